import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** How long the lines of a busy worker are collected: each write is a system call. */
const GATHER_MS = 20;
const GATHER_BYTES = 8_192;
/** Of lines that cannot be written now. Those beyond it are lost. */
const WAITING_LIMIT_BYTES = 4 * 1024 * 1024;
/** How often what is left is tried at the end of the process, this long apart. */
const LAST_TRIES = 20;
const LAST_PAUSE_MS = 10;

/** Writes bytes, and returns how many were taken; throws what the system says. */
export type WriteBytes = (bytes: Buffer) => number;

/**
 * The worker's log on its way out. A line is written at once, those that follow closely together.
 *
 * What reads the log must not stop the worker: while a pipe is full its lines wait, up to a bound; where a
 * pipe has lost its reader, or a disk is full, they are lost. How many were is the first line that can be written again.
 */
export class LogOutput {
  private waiting: Buffer = Buffer.alloc(0);
  private lines: string[] = [];
  private bytes = 0;
  private lost = 0;
  /** The part of them that a line says which is about to be written. */
  private reported = 0;
  private timer: NodeJS.Timeout | null = null;

  /** @param lostLine the line that says how many were lost, without its line break. */
  constructor(
    private readonly writeBytes: WriteBytes,
    private readonly lostLine: (count: number) => string,
  ) {}

  /** Takes one line, with its line break. */
  write(line: string): void {
    if (this.bytes + this.waiting.length > WAITING_LIMIT_BYTES) {
      this.lost += 1;
      return;
    }
    this.lines.push(line);
    this.bytes += line.length;
    if (this.timer === null || (this.bytes > GATHER_BYTES && this.waiting.length === 0)) this.flush();
  }

  /** Writes what is there, as far as it is taken. */
  flush(): void {
    this.timer ??= setTimeout(() => this.onPause(), GATHER_MS).unref();
    try {
      while (this.takeMore()) {
        this.waiting = this.waiting.subarray(this.writeBytes(this.waiting));
        this.reported = 0;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.lose();
    }
  }

  /** At the end of the process: waits a little for what reads the log. */
  finish(): void {
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < LAST_TRIES; tries++) {
      this.flush();
      if (this.waiting.length === 0 && this.lines.length === 0) return;
      Atomics.wait(never, 0, 0, LAST_PAUSE_MS);
    }
  }

  private onPause(): void {
    this.timer = null;
    if (this.waiting.length > 0 || this.lines.length > 0) this.flush();
  }

  /** Whether there is something to write. */
  private takeMore(): boolean {
    if (this.waiting.length > 0) return true;
    if (this.lines.length === 0) return false;
    if (this.lost > 0) {
      this.lines.unshift(`${this.lostLine(this.lost)}\n`);
      [this.reported, this.lost] = [this.lost, 0];
    }
    this.waiting = Buffer.from(this.lines.join(''));
    this.lines = [];
    this.bytes = 0;
    return true;
  }

  /** What was about to be written never will be; the line about what was lost before counts for what it says. */
  private lose(): void {
    const lines = this.waiting.toString().match(/\n/g)?.length ?? 0;
    this.lost += this.reported > 0 ? this.reported + lines - 1 : lines;
    this.reported = 0;
    this.waiting = Buffer.alloc(0);
  }
}

const STDOUT = 1;

/** Bytes to standard output, which never wait: a pipe or socket that is full answers EAGAIN. */
export function writeStandardOutput(): WriteBytes {
  const fd = ownPipe() ?? STDOUT;
  // Node makes what it opens one that does not wait: a socket, as systemd gives it, cannot be opened anew.
  if (fd === STDOUT) void process.stdout.writable;
  return (bytes) => writeSync(fd, bytes);
}

/** A pipe opened anew, so that only our writes do not wait, and not those of other processes. */
function ownPipe(): number | null {
  try {
    if (!fstatSync(STDOUT).isFIFO()) return null;
    return openSync(`/proc/self/fd/${STDOUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Another user's, or no Linux.
    return null;
  }
}
