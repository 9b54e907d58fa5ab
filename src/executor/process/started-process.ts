import type { Readable, Writable } from 'node:stream';
import type { RunnerStart } from '../../contract/confinement.js';
import type { ProcessEnd } from '../../isolation/isolation-level.js';

/**
 * The operating system's process of a runner, however it came about: what {@link RunnerProcess} needs of it.
 * As of a ChildProcess, `exit` comes when it has ended and `close` when everything it wrote has been read.
 */
export interface StartedProcess {
  readonly start: RunnerStart;
  /** Of the process that is killed when the runner is; it takes the runner along. */
  readonly pid: number;
  /** Both null until it has ended; from then on its number may be another's. */
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  /** By descriptor of the runner, as the worker's ends of them. */
  readonly stdio: readonly (Readable | Writable | null | undefined)[];
  /** Of the process that runs the code; asked for when that has said that it is ready. */
  runnerPid(): number;
  /** How the runner ended, by how this process did. */
  endOf(end: ProcessEnd): ProcessEnd;
  /** Kills it and everything that it started; safe at any time and more than once. */
  killAll(): void;
  once(event: 'exit', listener: (exitCode: number | null, signal: NodeJS.Signals | null) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** Nothing more of what it wrote is read. */
export function closeStreams({ stdio }: StartedProcess): void {
  for (const stream of stdio) stream?.destroy();
}
