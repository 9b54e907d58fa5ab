import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Listing } from '../../../src/contract/api/listing.js';
import { ask, executionPath } from '../api/client.js';
import { count, plural } from '../text/format.js';
import { Button, Dialog, Failure, Loading } from './basics.js';
import { Id } from './text.js';

type Action = 'again' | 'cancel';

/** Most that one question covers. */
const MOST = 1_000;
const SHOWN = 8;
const AT_ONCE = 6;
const OPEN = ['running', 'queued', 'delayed'];
const ENDED_ONLY = ['code', 'since', 'until', 'min_duration_ms'];

interface Answer {
  executions: { status: 'found' | 'queued' | 'refused'; again_of: string; detail?: string }[];
  next_cursor: string | null;
}

/** Does something to all that the filters find: first it says to which, then it asks. */
export function BulkDialog({
  action,
  filter,
  onClose,
}: {
  action: Action;
  filter: URLSearchParams;
  onClose: () => void;
}): JSX.Element {
  const [found, setFound] = useState<{ ids: string[]; hasMore: boolean } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [workspace, setWorkspace] = useState<'same' | 'current'>('same');
  const [done, setDone] = useState<{ done: number; refused: string[]; isOver: boolean } | null>(null);
  useEffect(() => {
    (action === 'again' ? findEnded(filter) : findOpen(filter)).then(setFound, setError);
  }, []);
  const run = async (): Promise<void> => {
    if (!found) return;
    const refused: string[] = [];
    setDone({ done: 0, refused, isOver: false });
    try {
      if (action === 'again') await runAgain(filter, workspace, refused);
      else await cancelAll(found.ids, refused, (n) => setDone({ done: n, refused, isOver: false }));
      setDone({ done: found.ids.length, refused, isOver: true });
    } catch (failure) {
      setError(failure as Error);
    }
  };
  const title = action === 'again' ? 'Run again' : 'Cancel';
  return (
    <Dialog title={title} onClose={onClose}>
      {error ? (
        <Failure error={error} />
      ) : !found ? (
        <Loading what="what these filters find" />
      ) : done ? (
        <Outcome action={action} done={done} all={found.ids.length} />
      ) : found.ids.length === 0 ? (
        <p>
          These filters find nothing that{' '}
          {action === 'again' ? 'has ended and could run again.' : 'runs or waits and could be cancelled.'}
        </p>
      ) : (
        <>
          <p>
            {action === 'again'
              ? `${plural(found.ids.length, 'execution')} will run again, each as a new one.`
              : `${plural(found.ids.length, 'execution')} that run or wait will be cancelled.`}
            {found.hasMore && ` There are more; this covers the newest ${count(MOST)}.`}
          </p>
          <ul class="id-list">
            {found.ids.slice(0, SHOWN).map((id) => (
              <li>
                <Id id={id} />
              </li>
            ))}
            {found.ids.length > SHOWN && <li>and {count(found.ids.length - SHOWN)} more</li>}
          </ul>
          {action === 'again' && (
            <label class="field">
              <span>Workspace</span>
              <select
                value={workspace}
                onChange={(event) => setWorkspace(event.currentTarget.value as 'same' | 'current')}
              >
                <option value="same">the generation of then</option>
                <option value="current">the current generation</option>
              </select>
            </label>
          )}
          <div class="dialog-end">
            <Button onClick={onClose}>Leave it</Button>
            <Button kind={action === 'cancel' ? 'danger' : 'primary'} onClick={() => void run()}>
              {`${title} ${count(found.ids.length)}`}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function Outcome({
  action,
  done,
  all,
}: {
  action: Action;
  done: { done: number; refused: string[]; isOver: boolean };
  all: number;
}): JSX.Element {
  if (!done.isOver)
    return (
      <p role="status">
        {action === 'again' ? 'Queueing them…' : `Cancelled ${count(done.done)} of ${count(all)}…`}
      </p>
    );
  const well = all - done.refused.length;
  return (
    <div role="status">
      <p>
        {action === 'again'
          ? `${plural(well, 'execution')} queued.`
          : `${plural(well, 'execution')} cancelled.`}
      </p>
      {done.refused.length > 0 && (
        <>
          <p>{plural(done.refused.length, 'was not', 'were not')}:</p>
          <ul class="id-list">
            {done.refused.slice(0, SHOWN).map((text) => (
              <li>
                <Id id={text} />
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** The dry run of the API. */
async function findEnded(filter: URLSearchParams): Promise<{ ids: string[]; hasMore: boolean }> {
  const answer = await askAgain(filter, { dry_run: true });
  return { ids: answer.executions.map(({ again_of: id }) => id), hasMore: answer.next_cursor !== null };
}

async function runAgain(filter: URLSearchParams, workspace: string, refused: string[]): Promise<void> {
  const answer = await askAgain(filter, { dry_run: false, workspace });
  for (const one of answer.executions)
    if (one.status === 'refused') refused.push(`${one.again_of}: ${one.detail ?? 'refused'}`);
}

function askAgain(filter: URLSearchParams, how: object): Promise<Answer> {
  const values: Record<string, unknown> = Object.fromEntries(filter);
  const status = (filter.get('status') ?? '').split(',').filter((one) => one !== '' && !OPEN.includes(one));
  // A filter must narrow something: all that have ended are those of every status.
  values['status'] = (status.length > 0 ? status : ['succeeded', 'failed', 'timed_out', 'cancelled']).join(
    ',',
  );
  return ask('/executions/again', { method: 'POST', body: { filter: values, limit: MOST, ...how } });
}

async function findOpen(filter: URLSearchParams): Promise<{ ids: string[]; hasMore: boolean }> {
  if (ENDED_ONLY.some((name) => filter.has(name))) return { ids: [], hasMore: false };
  const query = new URLSearchParams(filter);
  const wanted = (filter.get('status') ?? '').split(',').filter((one) => OPEN.includes(one));
  if (filter.has('status') && wanted.length === 0) return { ids: [], hasMore: false };
  query.set('status', (wanted.length > 0 ? wanted : OPEN).join(','));
  query.set('limit', '500');
  const ids = new Set<string>();
  let hasMore = true;
  while (hasMore && ids.size < MOST) {
    const page = await ask<Listing>(`/executions?${query.toString()}`);
    for (const { execution_id: id } of page.executions) ids.add(id);
    hasMore = page.next_cursor !== null;
    if (page.next_cursor !== null) query.set('cursor', page.next_cursor);
  }
  return { ids: [...ids].slice(0, MOST), hasMore: hasMore || ids.size > MOST };
}

async function cancelAll(
  ids: readonly string[],
  refused: string[],
  onDone: (n: number) => void,
): Promise<void> {
  let next = 0;
  let done = 0;
  const cancelNext = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const path = `${executionPath(id)}?reason=${encodeURIComponent('cancelled from the console')}`;
      await ask(path, { method: 'DELETE' }).catch((error: Error) => refused.push(`${id}: ${error.message}`));
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, cancelNext));
}
