import type { Readable } from 'node:stream';
import { TailBuffer } from '../../lib/tail-buffer.js';

const TAIL_BYTES = 4096;
const NAMES = ['stdout', 'stderr'] as const;

type RawStream = (typeof NAMES)[number];

/** What a process writes to its descriptors 1 and 2, past console and process.stdout. */
export class RawOutput {
  readonly streams: readonly Readable[];
  private readonly tail = new TailBuffer(TAIL_BYTES);
  /** Takes what is written to stderr, which is an answer of Node then. */
  private onStderr: ((text: string) => void) | null = null;

  constructor(
    stdio: readonly unknown[],
    private readonly onText: (name: RawStream, text: string) => void,
  ) {
    this.streams = NAMES.map((name, index) => this.read(name, stdio[index + 1] as Readable));
  }

  /** The newest of it. */
  get lastWords(): string {
    return this.tail.toString().trim();
  }

  /** From now on stderr is an answer that was asked for. */
  divertStderr(onText: (text: string) => void): void {
    this.onStderr = onText;
  }

  private read(name: RawStream, stream: Readable): Readable {
    stream.setEncoding('utf8');
    stream.on('error', () => undefined);
    return stream.on('data', (text: string) => this.receive(name, text));
  }

  private receive(name: RawStream, text: string): void {
    if (name === 'stderr' && this.onStderr) return this.onStderr(text);
    this.tail.append(`${name}: ${text}`);
    this.onText(name, text);
  }
}
