import type { DeliveryMark } from '../../src/results/delivery-identity.js';

/** What Redis holds of the one execution. */
export interface Store {
  result: string | null;
  ledger: Record<string, string>;
  attempts: string[];
  /** Results that further runs have replaced, by their run. */
  former: Record<string, string>;
}

/** A job as BullMQ has it. `parked`: it was put back until something changes. */
export interface JobState {
  id: string;
  attempts: number;
  /** It asks for another run where there is a result. */
  again: boolean;
  state: 'waiting' | 'active' | 'done';
  /** Index of the worker whose delivery of it BullMQ believes in. */
  holder: number | null;
  ends: number;
  stalls: number;
  parked: boolean;
}

/** Where a worker is with the job that was delivered to it: the next thing that it does. */
export type Step =
  | { at: 'begin' }
  | { at: 'take over'; from: string }
  | { at: 'reopen'; run: string; seen: string }
  | { at: 'mark delivery'; run: string }
  | { at: 'resend'; after: 'begin' | 'finish' }
  | { at: 'sent'; run: string; after: 'begin' | 'finish' }
  | { at: 'start'; run: string; attempt: number; starts: number }
  | { at: 'code'; run: string; attempt: number; starts: number }
  | { at: 'let go'; run: string; attempt: number; starts: number }
  | { at: 'settle'; run: string; attempt: number; starts: number; status: string }
  | { at: 'send'; document: string }
  | { at: 'fail attempt'; run: string }
  | { at: 'finish' };

/** One worker process. */
export interface WorkerState {
  /** Counts its starts: another one is another owner. */
  incarnation: number;
  /** Others may know that its lease is gone, although it goes on. */
  leaseLost: boolean;
  /** The delivery that it has in hand. */
  job: number | null;
  mark: DeliveryMark | null;
  step: Step | null;
}

/** The step of the client that wants the execution cancelled. */
export type Canceller =
  | 'none'
  | { at: 'settle'; run: string }
  | { at: 'send'; document: string }
  | { at: 'sent'; run: string };

/** What may still happen to the world from outside. */
export interface Budget {
  crashes: number;
  leases: number;
  retries: number;
  cancels: number;
}

/** Everything that decides about what can happen next, and what has happened. */
export interface World {
  store: Store;
  jobs: JobState[];
  workers: WorkerState[];
  canceller: Canceller;
  budget: Budget;
  /** Owners whose death others may see. */
  dead: string[];
  /** How often code was started, by run. */
  starts: Record<string, number>;
  /** Workers that were lost, by the run that they had. */
  lost: Record<string, number>;
  /** Jobs on the result queue, by run: the document. */
  messages: Record<string, string>;
  /** Documents that were the result of their run. */
  settled: Record<string, string>;
  /** How often another run was asked for. */
  asked: number;
  /** How often a person retried a job. */
  retried: number;
  /** A worker died, or was thought to be dead. */
  troubled: boolean;
}

export const ownerOf = (worker: number, { incarnation }: WorkerState): string => `w${worker}#${incarnation}`;

/** A world in which nothing has happened. */
export function newWorld(
  jobs: readonly { attempts: number; again?: boolean }[],
  budget: Budget,
  workers = 2,
): World {
  return {
    store: { result: null, ledger: {}, attempts: [], former: {} },
    jobs: jobs.map(({ attempts, again = false }, index) => ({
      id: `j${index}`,
      attempts,
      again,
      state: 'waiting',
      holder: null,
      ends: 0,
      stalls: 0,
      parked: false,
    })),
    workers: Array.from({ length: workers }, () => ({
      incarnation: 1,
      leaseLost: false,
      job: null,
      mark: null,
      step: null,
    })),
    canceller: 'none',
    budget,
    dead: [],
    starts: {},
    lost: {},
    messages: {},
    settled: {},
    asked: jobs.filter(({ again }) => again).length,
    retried: 0,
    troubled: false,
  };
}

/** The same text for worlds that are the same. */
export const nameOf = (world: World): string => textOf(world);

// Globals of a test are slow to reach: each is looked for in the context of its spec file.
const { keys } = Object;
const { isArray } = Array;

/** As JSON, with the names of each object in order, and with marks around texts that no text here contains. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return `\u0001${value}\u0001`;
  if (typeof value !== 'object' || value === null) return String(value);
  let text = '';
  if (isArray(value)) {
    for (const item of value) text += `${textOf(item)},`;
    return `[${text}]`;
  }
  const fields = value as Record<string, unknown>;
  for (const name of inOrder(keys(fields)))
    if (fields[name] !== undefined) text += `${name}:${textOf(fields[name])},`;
  return `{${text}}`;
}

/** Most are in order as they come. */
function inOrder(names: string[]): string[] {
  for (let index = 1; index < names.length; index += 1)
    if ((names[index - 1] as string) > (names[index] as string)) return names.toSorted();
  return names;
}

/** Another world, the same as this one. */
export const copyOf = (world: World): World => copied(world);

/** Of data that JSON can hold; `structuredClone` takes several times as long. */
function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) return value.map((item: unknown) => copied(item)) as T;
  const copy: Record<string, unknown> = {};
  for (const name of keys(value)) copy[name] = copied((value as Record<string, unknown>)[name]);
  return copy as T;
}

/** What is wrong with a world; null: nothing is. `over`: nothing more can happen in it. */
export function faultOf(world: World, over: boolean): string | null {
  const run = world.store.ledger['run'] ?? '1';
  const { result } = world.store;
  if (result !== null && world.settled[run] !== result) return `the result of run ${run} was replaced`;
  for (const [of, document] of Object.entries(world.messages))
    if (world.settled[of] !== document) return `run ${of} has a message that is not its result`;
  for (const [of, starts] of Object.entries(world.starts)) {
    const attempts = world.jobs.reduce((sum, job) => sum + job.attempts, 0);
    if (starts > attempts + (world.lost[of] ?? 0)) return `the code of run ${of} was started ${starts} times`;
    const told = (JSON.parse(world.settled[of] ?? 'null') as { starts: number } | null)?.starts;
    if (told !== undefined && starts > told)
      return `the result of run ${of} tells ${told} of ${starts} starts`;
  }
  if (Number(run) > 1 + world.asked) return `there is a run ${run} without a request`;
  const former = Object.keys(world.settled).filter((of) => of !== run);
  const unsent = former.find((of) => world.messages[of] === undefined);
  if (unsent !== undefined) return `run ${unsent} was replaced before its result was sent`;
  return ownerFault(world, run) ?? (over ? faultAtEnd(world, run) : null);
}

/** What a living worker carries out is its own until there is a result. */
function ownerFault(world: World, run: string): string | null {
  const busy = world.workers.findIndex(
    ({ step, leaseLost }) => !leaseLost && (step?.at === 'start' || step?.at === 'code') && step.run === run,
  );
  if (busy < 0) return null;
  const { result, ledger } = world.store;
  if (result?.includes('"canceller"')) return `w${busy} runs what was ended by a canceller as unowned`;
  const owner = ownerOf(busy, world.workers[busy] as WorkerState);
  return result === null && ledger['owner'] !== owner ? `w${busy} runs what is not its own` : null;
}

function faultAtEnd(world: World, run: string): string | null {
  const open = world.jobs.find(({ state }) => state !== 'done');
  if (open)
    return `job ${open.id} stays ${open.state}${open.parked ? ' and is looked at again for ever' : ''}`;
  if (world.store.result === null) return 'there is no result';
  if (world.messages[run] === undefined) return `the result of run ${run} was never sent`;
  // A retry that a worker died over may look like a redelivery: docs/identity.md.
  if (!world.troubled && Number(run) <= world.retried) return 'another run was asked for and never was';
  return world.store.ledger['owner'] ? 'the execution has an owner for ever' : null;
}

/** Two living workers that run the code of one run at once, or null. */
export function runningTwice(world: World): string | null {
  const running = world.workers.flatMap(({ step, leaseLost }) =>
    step?.at === 'code' && !leaseLost ? [step.run] : [],
  );
  const twice = running.find((run, index) => running.indexOf(run) !== index);
  return twice === undefined ? null : `two workers run the code of run ${twice} at once`;
}
