import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Metrics, ExecutionStatus } from '../contract/result.js';

/** Why a job ended without code being run for it: a closed set. */
export const UNRUN_REASONS = [
  'known',
  'redelivered',
  'refused',
  'child-failed',
  'cancelled',
  'stalled-out',
] as const;
export type UnrunReason = (typeof UNRUN_REASONS)[number];

/** What parts of this process tell whoever measures. None of it names an execution or holds data of users. */
export interface Measurements {
  'execution-ended': { status: ExecutionStatus; code: string | null; durationMs: number; metrics: Metrics };
  'attempt-failed': { code: string };
  /** A job went back to the queue without a result: to its front at once, or to be looked at later. */
  'handed-back': { to: 'front' | 'later' };
  /** A job ended without code being run for it. */
  'job-ended-unrun': { reason: UnrunReason };
  /** An execution that had ended runs again. */
  'run-again': { because: 'retried' | 'asked for' | 'nothing ran' };
  /** Ticks of a schedule that BullMQ never made, because nobody took the tick before them in time. */
  'ticks-missed': { count: number };
  /** A job that BullMQ could not read was mended, to be refused. */
  'job-mended': object;
  'runner-booted': { durationMs: number };
  'runner-boot-failed': object;
  'redis-error': { connection: string };
  'redis-back': { connection: string };
  'result-retried': object;
  /** A connection that code asked the worker for; with why it was refused, or ''. */
  'network-connection': { result: 'opened' | 'refused' | 'failed'; reason: string };
  /** A source took more than it may to compile; of what. */
  'compile-refused': { limit: string };
  /** A compiler process is gone; how. */
  'compiler-ended': { end: string };
  'packages-installed': { durationMs: number };
}

type Name = keyof Measurements;

// By way of Node's channels nobody need know who listens, and it costs next to nothing when nobody does.
const channelOf = (name: Name): string => `bifrost.${name}`;

/** Tells those who listen; never throws. */
export function tell<N extends Name>(name: N, data: Measurements[N]): void {
  channel(channelOf(name)).publish(data);
}

/** Listens until the returned function is called. An error of the listener is dropped: measuring harms nothing. */
export function hear<N extends Name>(name: N, listener: (data: Measurements[N]) => void): () => void {
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
