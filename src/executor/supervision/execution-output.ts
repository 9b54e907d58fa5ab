import type { LogEntry } from '../../contract/result.js';
import type { RedactedStream, Redactor } from '../../outcome/redaction/redactor.js';
import { TailBuffer } from '../../lib/tail-buffer.js';
import { LogBuffer } from './log-buffer.js';

/** Where something was printed. */
export type OutputStream = 'stdout' | 'stderr';

/** Something that the code printed at once. */
export interface PrintedText {
  stream: OutputStream;
  level: string;
  /** Milliseconds since the epoch. */
  ts: number;
  text: string;
  /** It came past console and process.stdout, by a pipe of its own, and mixes with the rest at any place. */
  raw?: boolean;
  /** From a structured logger: the message alone, and its fields. */
  message?: string | undefined;
  fields?: Record<string, unknown> | undefined;
}

/** The entries of a result repeat what stdout and stderr hold; the log stream has more of them. */
const LOG_TAIL_BYTES = 1_048_576;

interface Channel {
  tail: TailBuffer;
  /** One for each pipe: a secret that is cut in two comes by one of them. */
  framed: RedactedStream;
  raw: RedactedStream;
  /** Both pipes were used: what they brought may make a secret only together. */
  mixed: boolean;
}

/** Level of what was printed past the console. */
export const LEVEL_OF: Readonly<Record<OutputStream, string>> = { stdout: 'info', stderr: 'error' };

/** What one execution prints: secrets are taken out, the newest is kept within a limit, every entry is passed on. */
export class ExecutionOutput {
  /** Made when something is printed: most executions print nothing. */
  private readonly channels: Partial<Record<OutputStream, Channel>> = {};
  private readonly logs: LogBuffer;

  constructor(
    private readonly limitBytes: number,
    private readonly redactor: Redactor,
    private readonly onEntry: (entry: LogEntry) => void,
  ) {
    this.logs = new LogBuffer(Math.min(limitBytes, LOG_TAIL_BYTES));
  }

  /** Returns how many bytes were printed, kept or not. */
  add(printed: PrintedText): number {
    const bytes = Buffer.byteLength(printed.text);
    this.take(printed);
    return bytes;
  }

  private take(printed: PrintedText): void {
    const { stream, text, raw = false, message, fields } = printed;
    const channel = this.channelOf(stream);
    const redacted = raw ? channel.raw : channel.framed;
    channel.mixed ||= raw;
    const joined = redacted.holds;
    const safe = redacted.write(text);
    if (fields === undefined) return this.append(printed, safe);
    // What was held back until now goes before it.
    const line = joined || message === undefined ? safe : `${this.redactor.text(message)}\n`;
    this.append(printed, safe, line, this.redactor.value(fields));
  }

  /** Nothing more is printed: what was held back is passed on. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const channel = this.channels[stream];
      for (const redacted of channel ? [channel.framed, channel.raw] : [])
        this.append({ stream, level: LEVEL_OF[stream], ts: Date.now() }, redacted.end());
    }
  }

  text(stream: OutputStream): string {
    const channel = this.channels[stream];
    if (channel === undefined) return '';
    const { tail, mixed } = channel;
    return mixed ? this.redactor.text(tail.toString()) : tail.toString();
  }

  entries(): { list: LogEntry[]; truncated: boolean } {
    return { list: this.logs.list(), truncated: this.logs.truncated };
  }

  private channelOf(stream: OutputStream): Channel {
    return (this.channels[stream] ??= {
      tail: new TailBuffer(this.limitBytes),
      framed: this.redactor.stream(),
      raw: this.redactor.stream(),
      mixed: false,
    });
  }

  private append(
    { stream, level, ts }: Pick<PrintedText, 'stream' | 'level' | 'ts'>,
    text: string,
    line = text,
    fields?: Record<string, unknown>,
  ): void {
    if (text === '') return;
    this.channelOf(stream).tail.append(text);
    const whole = line.endsWith('\n');
    const entry: LogEntry = {
      ts: new Date(ts).toISOString(),
      level,
      stream,
      message: whole ? line.slice(0, -1) : line,
      ...(whole ? {} : { partial: true }),
      ...(fields === undefined ? {} : { fields }),
    };
    this.logs.add(entry);
    this.onEntry(entry);
  }
}
