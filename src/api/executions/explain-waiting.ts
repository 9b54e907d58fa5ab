import type { Waiting, WaitingReason } from '../../contract/waiting.js';
import type { WorkerRecord } from '../../contract/worker-record.js';
import type { JobPlace } from '../../queue/job-places.js';

type Worker = Pick<WorkerRecord, 'state' | 'concurrency' | 'packages'>;

/** What is known of the job of an execution that waits. */
export interface WaitingJob {
  addedAtMs: number;
  /** Its producer wanted it to be delayed. */
  scheduled: boolean;
  /** An attempt failed before. */
  retried: boolean;
}

/**
 * Says why an execution does not run yet.
 * @param job null: there is a context, but no job
 * @param workers those that are alive
 */
export function explainWaiting(
  job: WaitingJob | null,
  place: JobPlace,
  workers: readonly Worker[],
  nowMs: number,
): Waiting {
  const capacity = workers
    .filter(({ state }) => state === 'ACTIVE')
    .reduce((sum, { concurrency }) => sum + concurrency, 0);
  const situation = { job, place, workers, capacity };
  const reason = reasonOf(situation);
  const until = place.untilMs === null ? null : new Date(place.untilMs).toISOString();
  return {
    reason,
    detail: detailOf(reason, situation, until),
    position: place.position,
    queued: place.waiting,
    age_ms: job && Math.max(0, nowMs - job.addedAtMs),
    until,
    running: place.active,
    capacity,
  };
}

interface Situation {
  job: WaitingJob | null;
  place: JobPlace;
  workers: readonly Worker[];
  capacity: number;
}

/** What keeps the job itself comes first, then the queue, then the workers. */
function reasonOf({ job, place, workers, capacity }: Situation): WaitingReason {
  if (job === null) return 'context stored, no job';
  if (place.untilMs !== null) {
    if (job.retried) return 'delayed retry';
    return job.scheduled ? 'scheduled delay' : 'handed back';
  }
  if (place.forChildren) return 'waiting for children';
  if (place.paused) return 'queue paused';
  if (workers.length === 0) return 'no live worker';
  if (capacity === 0) return reasonForNoTaker(workers);
  if (place.limit !== null && place.active >= place.limit) return 'queue limit reached';
  // The jobs ahead take what is free now.
  const free = Math.max(0, capacity - place.active);
  return (place.position ?? 1) > free ? 'all runners busy' : 'about to start';
}

/** There are workers and none is active: what is over soonest is the reason. */
function reasonForNoTaker(workers: readonly Worker[]): WaitingReason {
  const starting = workers.filter(({ state }) => state === 'STARTING');
  if (starting.some(({ packages }) => packages?.state === 'installing')) return 'packages installing';
  if (starting.length > 0) return 'workers starting';
  return workers.some(({ state }) => state === 'PAUSED') ? 'workers paused' : 'workers draining';
}

function detailOf(
  reason: WaitingReason,
  { place, workers, capacity }: Situation,
  until: string | null,
): string {
  const ahead = (place.position ?? 1) - 1;
  switch (reason) {
    case 'no live worker':
      return 'No worker is alive; start one';
    case 'queue paused':
      return 'The queue is paused: nothing is taken until it is resumed';
    case 'queue limit reached':
      return `The queue lets ${place.limit} run at once, and that limit is reached; ${ahead} jobs are ahead`;
    case 'packages installing':
      return 'The workers install npm packages before they take work';
    case 'workers starting':
      return 'The workers are starting';
    case 'workers paused':
      return `No worker takes work: ${workers.length} alive, paused by an operator`;
    case 'workers draining':
      return `No worker takes work: ${workers.length} alive, draining before they end`;
    case 'all runners busy':
      return `The workers run ${place.active} of ${capacity} at once; ${ahead} jobs are ahead`;
    case 'about to start':
      return 'A worker has room for it';
    case 'scheduled delay':
      return `Its producer wants it to start at ${until} or later`;
    case 'delayed retry':
      return `An attempt failed; the next is at ${until} or later`;
    case 'handed back':
      return `A worker could not go on with it; it is looked at again at ${until}`;
    case 'waiting for children':
      return 'It is the parent of a flow, and its children have not all ended';
    case 'context stored, no job':
      return 'There is a context, but no job on the queue: its producer has not added it, or it is gone';
  }
}
