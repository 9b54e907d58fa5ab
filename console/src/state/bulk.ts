import type { ListedExecution, Listing } from '../../../src/contract/api/listing.js';
import { ask, executionPath } from '../api/client.js';

/** What may be done to many executions at once. */
export type BulkAction = 'again' | 'cancel' | 'delete';

/** What it is done to: all that a filter finds, or those that a person picked. */
export type BulkTarget = { filter: URLSearchParams } | { picked: readonly ListedExecution[] };

/** What a dry run found: executions that the action is for. */
export interface BulkFound {
  ids: readonly string[];
  /** The filter finds more. */
  hasMore: boolean;
  /** Picked ones that the action is not for. */
  leftOut: number;
}

/** How far it is. */
export interface BulkProgress {
  done: number;
  /** What was not done, with why. */
  refused: readonly string[];
}

/** Most that one question covers. */
export const MOST = 1_000;
const PAGE = 500;
const AT_ONCE = 6;
const OPEN = ['running', 'queued', 'delayed'];
const ENDED = ['succeeded', 'failed', 'timed_out', 'cancelled'];
const ENDED_ONLY = ['code', 'since', 'until', 'min_duration_ms'];
const REASON = encodeURIComponent('cancelled from the console');

interface Answer {
  executions: { status: 'found' | 'queued' | 'delayed' | 'refused'; again_of: string; detail?: string }[];
  next_cursor: string | null;
}

/** The dry run: which executions it would be done to. Nothing is changed. */
export async function findTargets(action: BulkAction, target: BulkTarget): Promise<BulkFound> {
  if ('picked' in target) {
    const fitting = target.picked.filter(({ status }) => OPEN.includes(status) === (action === 'cancel'));
    const ids = [...new Set(fitting.map(({ execution_id: id }) => id))];
    return { ids, hasMore: false, leftOut: target.picked.length - fitting.length };
  }
  const { filter } = target;
  if (action === 'again') {
    const { executions, next_cursor: next } = await askAgain(filter, { dry_run: true });
    return { ids: executions.map(({ again_of: id }) => id), hasMore: next !== null, leftOut: 0 };
  }
  return findListed(filter, action === 'cancel' ? OPEN : ENDED);
}

/** Those of some statuses that a filter finds. */
async function findListed(filter: URLSearchParams, statuses: readonly string[]): Promise<BulkFound> {
  const nothing = { ids: [], hasMore: false, leftOut: 0 };
  if (statuses === OPEN && ENDED_ONLY.some((name) => filter.has(name))) return nothing;
  const query = new URLSearchParams(filter);
  const wanted = (filter.get('status') ?? '').split(',').filter((one) => statuses.includes(one));
  if (filter.has('status') && wanted.length === 0) return nothing;
  query.set('status', (wanted.length > 0 ? wanted : statuses).join(','));
  query.set('limit', String(PAGE));
  const ids = new Set<string>();
  let hasMore = true;
  while (hasMore && ids.size <= MOST) {
    const page = await ask<Listing>(`/executions?${query.toString()}`);
    for (const { execution_id: id } of page.executions) ids.add(id);
    hasMore = page.next_cursor !== null;
    if (page.next_cursor !== null) query.set('cursor', page.next_cursor);
  }
  return { ids: [...ids].slice(0, MOST), hasMore: hasMore || ids.size > MOST, leftOut: 0 };
}

/** Does it, to what the dry run found. Resolves with what came of it. */
export async function runBulk(
  action: BulkAction,
  target: BulkTarget,
  { ids, workspace }: { ids: readonly string[]; workspace: 'same' | 'current' },
  onProgress: (progress: BulkProgress) => void,
): Promise<BulkProgress> {
  if (action === 'again' && 'filter' in target) {
    const { executions } = await askAgain(target.filter, { dry_run: false, workspace });
    const refused = executions.flatMap((one) =>
      one.status === 'refused' ? [`${one.again_of}: ${one.detail ?? 'refused'}`] : [],
    );
    return { done: executions.length, refused };
  }
  const refused: string[] = [];
  let next = 0;
  let done = 0;
  const workNext = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      await workOn(action, id, workspace).catch((error: Error) => refused.push(`${id}: ${error.message}`));
      onProgress({ done: ++done, refused });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workNext));
  return { done, refused };
}

function workOn(action: BulkAction, id: string, workspace: string): Promise<unknown> {
  const path = executionPath(id);
  switch (action) {
    case 'again':
      return ask(`${path}/again`, { method: 'POST', body: { workspace } });
    case 'cancel':
      return ask(`${path}?reason=${REASON}`, { method: 'DELETE' });
    case 'delete':
      return ask(`${path}/record`, { method: 'DELETE' });
  }
}

function askAgain(filter: URLSearchParams, how: object): Promise<Answer> {
  const values: Record<string, unknown> = Object.fromEntries(filter);
  const status = (filter.get('status') ?? '').split(',').filter((one) => ENDED.includes(one));
  // A filter must narrow something: all that have ended are those of every status.
  values['status'] = (status.length > 0 ? status : ENDED).join(',');
  return ask('/executions/again', { method: 'POST', body: { filter: values, limit: MOST, ...how } });
}
