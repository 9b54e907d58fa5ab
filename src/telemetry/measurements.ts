import type { RunnerStart } from '../contract/confinement.js';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Metrics, ExecutionStatus } from '../contract/result.js';

/** Why a job ended without code being run for it: a closed set. */
export const UNRUN_REASONS = [
  'known',
  'redelivered',
  'refused',
  'child-failed',
  'expired',
  'skipped',
  'cancelled',
  'stalled-out',
] as const;
export type UnrunReason = (typeof UNRUN_REASONS)[number];

/** Where a job goes that ends without a result: to the front of its queue, or to be looked at later. */
export const HAND_BACKS = ['front', 'later', 'lane'] as const;
/** Why an execution that had ended runs again. */
export const FURTHER_RUNS = ['retried', 'asked for', 'nothing ran'] as const;

/**
 * Why a compiler process is gone: it ran out of memory, the fault of what it compiled; it ended by itself, or said what
 * no compiler says; it was killed, by us or from outside.
 */
export const COMPILER_ENDS = ['memory', 'crash', 'killed'] as const;
export type CompilerEnd = (typeof COMPILER_ENDS)[number];

/** What a source used up when it was compiled. */
export const COMPILE_LIMITS = ['time', 'memory', 'output', 'source', 'imports', 'crash'] as const;
export type CompileLimit = (typeof COMPILE_LIMITS)[number];

/** Why the network proxy does not connect. */
export const NETWORK_REFUSALS = [
  'none',
  'host',
  'port',
  'address',
  'own',
  'connections',
  'transfer',
  'malformed',
] as const;
export type NetworkRefusalReason = (typeof NETWORK_REFUSALS)[number];

/** Measurements that parts of this process emit. None of them names an execution or holds user data. */
export interface Measurements {
  'execution-ended': { status: ExecutionStatus; code: string | null; durationMs: number; metrics: Metrics };
  'attempt-failed': { code: string };
  /** A job went back to the queue without a result. */
  'handed-back': { to: (typeof HAND_BACKS)[number] };
  /** A job ended without code being run for it. */
  'job-ended-unrun': { reason: UnrunReason };
  /** An execution that had ended runs again. */
  'run-again': { because: (typeof FURTHER_RUNS)[number] };
  /** Ticks of a schedule that BullMQ never made, because no worker took the tick before them in time. */
  'ticks-missed': { count: number };
  /** A job that BullMQ could not read was made readable, to be refused. */
  'job-mended': object;
  'runner-booted': { durationMs: number; start: RunnerStart };
  'runner-boot-failed': object;
  'redis-error': { connection: string };
  'redis-back': { connection: string };
  'result-retried': object;
  /** A connection that code asked the worker for; with why it was refused, or ''. */
  'network-connection': {
    result: 'opened' | 'refused' | 'failed';
    reason: NetworkRefusalReason | '';
  };
  /** A source exceeded a limit of the compiler; which one. */
  'compile-refused': { limit: CompileLimit };
  /** A compiler process ended; how. */
  'compiler-ended': { end: CompilerEnd };
  'packages-installed': { durationMs: number };
}

type Name = keyof Measurements;

// A diagnostics channel decouples emitters from listeners and costs next to nothing without a listener.
const channelOf = (name: Name): string => `bifrost.${name}`;

/** Passes a measurement to its listeners; never throws. */
export function emitMeasurement<N extends Name>(name: N, data: Measurements[N]): void {
  channel(channelOf(name)).publish(data);
}

/** Listens until the returned function is called. An error of the listener is dropped: measuring must not disturb the work. */
export function onMeasurement<N extends Name>(
  name: N,
  listener: (data: Measurements[N]) => void,
): () => void {
  const receive = (data: unknown): void => {
    try {
      listener(data as Measurements[N]);
    } catch {
      // Node would make it an uncaught exception.
    }
  };
  subscribe(channelOf(name), receive);
  return () => {
    unsubscribe(channelOf(name), receive);
  };
}
