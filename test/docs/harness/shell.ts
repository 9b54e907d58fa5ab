import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';

/** None of speed: what waits for longer waits for ever. */
const PATIENCE_MS = 180_000;

/** What a command printed, both streams in their order, and how it ended. */
export interface Printed {
  text: string;
  exitCode: number;
}

/** The shell of a reader: one process for a page, so that variables and folders last from one command to the next. */
export class ReaderShell {
  private readonly child: ChildProcess;
  private readonly mark = `end-of-${randomUUID()}`;
  private text = '';
  private arrived: (() => void) | undefined;
  private ended = false;

  constructor(cwd: string, env: Record<string, string>) {
    this.child = spawn('bash', ['--noprofile', '--norc'], {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
        this.arrived?.();
      });
    this.child.once('close', () => {
      this.ended = true;
      this.arrived?.();
    });
    this.child.stdin?.write('exec 2>&1\n');
  }

  /** Runs a command to its end. What it starts in the background goes on. */
  async run(command: string): Promise<Printed> {
    this.text = '';
    this.child.stdin?.write(`{ ${command}\n} </dev/null\nprintf '\\n%s %s\\n' '${this.mark}' "$?"\n`);
    const timer = setTimeout(() => this.kill(), PATIENCE_MS);
    try {
      return await this.end(command);
    } finally {
      clearTimeout(timer);
    }
  }

  private async end(command: string): Promise<Printed> {
    const pattern = new RegExp(`\\n${this.mark} (\\d+)\\n`);
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return { text: this.text.slice(0, found.index), exitCode: Number(found[1]) };
      if (this.ended)
        throw new Error(`this command ended the shell, or did not end at all: ${command}\n${this.text}`);
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
  }

  /** Ends the shell and all that it started. */
  async stop(): Promise<void> {
    if (this.ended) return;
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.kill();
    await closed;
  }

  private kill(): void {
    try {
      process.kill(-(this.child.pid as number), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
