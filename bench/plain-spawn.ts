import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { endWithThisProcess } from './harness/own-processes.ts';

/** Measures how fast the machine starts processes, from a small process of its own. */
export class PlainSpawn {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    const file = join(import.meta.dirname, 'peers', 'plain-spawn.ts');
    this.child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    endWithThisProcess(this.child);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    await this.lines.next();
  }

  /** Processes a second over about this time. */
  async rate(milliseconds: number): Promise<number> {
    this.child.stdin.write(`${milliseconds}\n`);
    const line = await this.lines.next();
    if (line.done) throw new Error('the process that spawns has ended');
    return Number(line.value);
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }
}
