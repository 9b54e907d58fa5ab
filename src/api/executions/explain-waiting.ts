import type { LaneReasonName, Waiting, WaitingReason } from '../../contract/waiting.js';
import type { WorkerRecord } from '../../contract/worker-record.js';
import { isHeld } from '../../queue/fairness/lane-levels.js';
import type { LaneFacts } from '../../queue/fairness/lane-views.js';
import type { JobPlace } from '../../queue/job-places.js';
import { laneReason, laneWaiting } from './explain-lane.js';

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
 * @param lane what the lanes know of it; null: nothing
 */
export function explainWaiting(
  job: WaitingJob | null,
  place: JobPlace,
  workers: readonly Worker[],
  nowMs: number,
  lane: LaneFacts | null = null,
): Waiting {
  const capacity = workers
    .filter(({ state }) => state === 'ACTIVE')
    .reduce((sum, { concurrency }) => sum + concurrency, 0);
  const held = isHeld(place.untilMs);
  const untilMs = held ? null : place.untilMs;
  const situation = { job, place: { ...place, untilMs }, workers, capacity };
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  const general = reasonOf(situation);
  const own = lane && OF_LANES.has(general) ? laneReason(lane, nowMs) : null;
  const reason = own?.reason ?? general;
  const inLane = lane && laneWaiting(lane, nowMs);
  return {
    reason,
    detail: own?.detail ?? detailOf(general, situation, until),
    // What BullMQ has in a lane is not taken in its order.
    position: held || inLane ? null : place.position,
    queued: place.waiting,
    lane: inLane,
    age_ms: job && Math.max(0, nowMs - job.addedAtMs),
    until,
    running: place.active,
    capacity,
  };
}

/** What keeps every job alike. */
type GeneralReason = Exclude<WaitingReason, LaneReasonName>;

/** Reasons that the lanes know better. */
const OF_LANES: ReadonlySet<GeneralReason> = new Set([
  'all runners busy',
  'about to start',
  'queue limit reached',
]);

interface Situation {
  job: WaitingJob | null;
  place: JobPlace;
  workers: readonly Worker[];
  capacity: number;
}

/** What keeps the job itself comes first, then the queue, then the workers. */
function reasonOf({ job, place, workers, capacity }: Situation): GeneralReason {
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
function reasonForNoTaker(workers: readonly Worker[]): GeneralReason {
  const starting = workers.filter(({ state }) => state === 'STARTING');
  if (starting.some(({ packages }) => packages?.state === 'installing')) return 'packages installing';
  if (starting.length > 0) return 'workers starting';
  return workers.some(({ state }) => state === 'PAUSED') ? 'workers paused' : 'workers draining';
}

function detailOf(
  reason: GeneralReason,
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
