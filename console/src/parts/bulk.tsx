import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  type BulkAction,
  type BulkFound,
  type BulkProgress,
  type BulkTarget,
  findTargets,
  MOST,
  runBulk,
} from '../state/bulk.js';
import { count, plural } from '../text/format.js';
import { Button, Dialog, Failure, Loading } from './basics.js';
import { Id } from './text.js';

const SHOWN = 8;

/** What an action is called, before and after. */
const WORDS: Readonly<
  Record<BulkAction, { title: string; nothing: string; will: string; past: string; doing: string }>
> = {
  again: {
    title: 'Run again',
    nothing: 'has ended and could run again',
    will: 'will run again, each as a new one.',
    past: 'queued',
    doing: 'Queueing',
  },
  cancel: {
    title: 'Cancel',
    nothing: 'runs or waits and could be cancelled',
    will: 'that run or wait will be cancelled.',
    past: 'cancelled',
    doing: 'Cancelling',
  },
  delete: {
    title: 'Delete',
    nothing: 'has ended and could be deleted',
    will: 'will be deleted for good: result, log, parameters, artifacts and history.',
    past: 'deleted',
    doing: 'Deleting',
  },
};

/** Does something to many executions: first it says to which, then it asks. */
export function BulkDialog({
  action,
  target,
  onClose,
}: {
  action: BulkAction;
  target: BulkTarget;
  /** `isDone`: something was changed. */
  onClose: (isDone: boolean) => void;
}): JSX.Element {
  const [found, setFound] = useState<BulkFound | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [workspace, setWorkspace] = useState<'same' | 'current'>('same');
  const [progress, setProgress] = useState<(BulkProgress & { isOver: boolean }) | null>(null);
  const words = WORDS[action];
  const close = (): void => onClose(progress !== null);
  useEffect(() => {
    findTargets(action, target).then(setFound, setError);
  }, []);
  const run = (): void => {
    if (!found) return;
    const show = (isOver: boolean) => (how: BulkProgress) => setProgress({ ...how, isOver });
    setProgress({ done: 0, refused: [], isOver: false });
    runBulk(action, target, { ids: found.ids, workspace }, show(false)).then(show(true), setError);
  };
  return (
    <Dialog title={words.title} onClose={close}>
      {error ? (
        <Failure error={error} />
      ) : !found ? (
        <Loading what="what it would be done to" />
      ) : progress ? (
        <Outcome words={words} progress={progress} all={found.ids.length} onClose={close} />
      ) : found.ids.length === 0 ? (
        <p>
          {'picked' in target ? 'None of those' : 'These filters find nothing that'} {words.nothing}.
        </p>
      ) : (
        <>
          <p>
            {plural(found.ids.length, 'execution')} {words.will}
            {found.hasMore && ` There are more; this covers the newest ${count(MOST)}.`}
            {found.leftOut > 0 && ` ${count(found.leftOut)} of those picked are left out.`}
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
            <Button onClick={close}>Leave it</Button>
            <Button kind={action === 'again' ? 'primary' : 'danger'} onClick={run}>
              {`${words.title} ${count(found.ids.length)}`}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function Outcome({
  words,
  progress: { done, refused, isOver },
  all,
  onClose,
}: {
  words: (typeof WORDS)[BulkAction];
  progress: BulkProgress & { isOver: boolean };
  all: number;
  onClose: () => void;
}): JSX.Element {
  if (!isOver)
    return (
      <p role="status">
        {words.doing}: {count(done)} of {count(all)}…
      </p>
    );
  return (
    <>
      <div role="status">
        <p>
          {plural(done - refused.length, 'execution')} {words.past}.
        </p>
        {refused.length > 0 && (
          <>
            <p>{plural(refused.length, 'was not', 'were not')}:</p>
            <ul class="id-list">
              {refused.slice(0, SHOWN).map((text) => (
                <li>
                  <Id id={text} />
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
      <div class="dialog-end">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </>
  );
}
