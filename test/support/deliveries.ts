import type { Job } from 'bullmq';
import type { LoadedExecution } from '../../src/context/context.service.js';
import { NO_DETAILS } from '../../src/contract/execution.js';
import { Cancellation, Interruption } from '../../src/executor/cancellation.js';
import { parseJob } from '../../src/queue/parse-job.js';
import type { OurTurn } from '../../src/results/turn.js';
import { type Delivery, markOf, type TakenDelivery } from '../../src/worker/delivery.js';

/** An execution of inline code, changed as wanted. */
export const aLoadedExecution = (changes: Partial<LoadedExecution> = {}): LoadedExecution => ({
  id: 'e-1',
  source: { kind: 'inline', code: '', functionName: null },
  parameters: {},
  files: {},
  env: {},
  secrets: {},
  caller: null,
  organization: null,
  workflowId: 'wf',
  details: NO_DETAILS,
  sync: false,
  turn: {},
  tags: [],
  timeoutMs: 1000,
  network: 'none',
  captureLocals: false,
  wantedGeneration: null,
  ...changes,
});

/** A job of BullMQ that remembers the lines of its log. */
export function aJob(changes: Partial<Job> = {}): Job & { lines: string[] } {
  const lines: string[] = [];
  const job = {
    id: '7',
    data: { execution_id: 'e-1' },
    opts: {},
    timestamp: 1,
    attemptsMade: 0,
    stalledCounter: 0,
    log: (line: string) => Promise.resolve(lines.push(line)),
    updateProgress: () => Promise.resolve(),
    lines,
    ...changes,
  };
  return job as unknown as Job & { lines: string[] };
}

/** A delivery of that job which has been opened, changed as wanted. */
export function aDelivery(changes: Partial<Delivery> = {}): Delivery {
  const job = changes.job ?? aJob();
  return {
    job,
    token: 'token',
    request: parseJob(job),
    mark: markOf(job),
    stops: {
      interruption: new Interruption(),
      cancellation: new Cancellation(),
      [Symbol.dispose]: () => undefined,
    },
    loading: Promise.resolve(aLoadedExecution()),
    before: Promise.resolve({ generation: 4, family: null, turn: null }),
    ...changes,
  };
}

/** The first attempt of a first run. */
export const OUR_TURN: Extract<OurTurn, { kind: 'ours' }> = {
  kind: 'ours',
  run: 1,
  attempt: 1,
  starts: 1,
  generation: 4,
  cancel: null,
  freed: null,
};

/** A delivery that this worker has taken, changed as wanted. */
export function aTakenDelivery(changes: Partial<TakenDelivery> = {}): TakenDelivery {
  const { before: _before, ...opened } = aDelivery();
  return {
    ...opened,
    turn: OUR_TURN,
    run: 1,
    attempt: 1,
    starts: 1,
    times: { queue: 5, delay: null, backoff: null },
    family: null,
    passedOver: null,
    ...changes,
  };
}
