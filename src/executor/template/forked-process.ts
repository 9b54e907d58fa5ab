import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import type { ProcessEnd } from '../../isolation/isolation-level.js';
import type { StartedProcess } from '../process/started-process.js';
import type { ChildUsage } from './control-messages.js';

/** Of two names for one number the first is the usual one: SIGABRT, not SIGIOT. */
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** The usual name of a signal's number. */
export const signalName = (number: number): NodeJS.Signals => SIGNAL_NAMES.get(number) ?? 'SIGKILL';

const DESCRIPTORS = 8;

/** A runner that was forked of a template, which reports its end. */
export class ForkedProcess extends EventEmitter implements StartedProcess {
  readonly start = 'fork';
  readonly stdio: readonly (Socket | null)[];
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  /** What it used; null: not known. */
  usage: ChildUsage | null = null;
  /** The kernel has its end in hand. */
  private isKilled = false;

  /** @param pid of the runner itself; a keeper that it has ends with it. */
  constructor(
    readonly pid: number,
    connections: ReadonlyMap<number, Socket>,
  ) {
    super();
    this.stdio = Array.from({ length: DESCRIPTORS }, (_, number) => connections.get(number) ?? null);
  }

  runnerPid(): number {
    return this.pid;
  }

  endOf(end: ProcessEnd): ProcessEnd {
    return end;
  }

  /** It can have started nothing. Its keeper is left to write down what it used. */
  killAll(): void {
    if (this.isKilled || this.exitCode !== null || this.signalCode !== null) return;
    try {
      process.kill(this.pid, 'SIGKILL');
      this.isKilled = true;
    } catch {
      // It has just ended.
    }
  }

  /** It has ended. */
  end(exitCode: number | null, signal: NodeJS.Signals | null, usage: ChildUsage | null): void {
    if (this.exitCode !== null || this.signalCode !== null) return;
    this.usage = usage;
    this.exitCode = exitCode;
    this.signalCode = signal;
    const open = this.stdio.filter((connection) => connection !== null && !connection.closed);
    let left = open.length;
    const closed = (): void => {
      left -= 1;
      if (left === 0) this.emit('close');
    };
    for (const connection of open) connection?.once('close', closed);
    this.emit('exit', this.exitCode, this.signalCode);
    if (open.length === 0) setImmediate(() => this.emit('close'));
  }
}
