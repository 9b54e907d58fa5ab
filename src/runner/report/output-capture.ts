import { StringDecoder } from 'node:string_decoder';
import { Writable } from 'node:stream';
import type { FrameFields } from '../../boundary/runner-frames.js';
import { OUTPUT_CHUNK_CHARS } from '../../boundary/runner-protocol.js';
import { json, sendFrame } from '../channel/channel.js';
import { explainRefusal } from './refusal-words.js';
import { withoutOwnFrames } from './user-frames.js';
import { charCode, now } from '../channel/primordials.js';

/** Console methods and the level that their lines get; console formats and indents by itself. */
const LEVELS = {
  log: 'info',
  info: 'info',
  dir: 'info',
  table: 'info',
  debug: 'debug',
  warn: 'warn',
  error: 'error',
  assert: 'error',
  trace: 'error',
} as const;

let currentLevel: string | undefined;

/**
 * Replaces process.stdout and process.stderr by streams that send each write as a frame at once.
 * Node's own streams on a pipe are asynchronous and lose what is buffered at process.exit.
 */
export function captureOutput(): void {
  replaceStream('stdout', 1);
  replaceStream('stderr', 2);
  for (const [method, level] of Object.entries(LEVELS)) captureConsole(method as keyof typeof LEVELS, level);
}

/**
 * Sends text as output of the given stream and level. `record` are further fields of the frame, for a text
 * that fits into one.
 */
export function emitOutput(
  stream: 'stdout' | 'stderr',
  level: string,
  printed: string,
  record: Pick<FrameFields<'output'>, 'message' | 'fields'> = {},
): void {
  const text = withoutOwnFrames(explainRefusal(printed));
  const whole = text.length <= OUTPUT_CHUNK_CHARS;
  for (let start = 0; start < text.length;) {
    const end = chunkEnd(text, start);
    sendFrame('output', {
      stream: json(stream),
      level: json(level),
      text: json(text.slice(start, end)),
      ts: `${now()}`,
      ...(whole ? record : {}),
    });
    start = end;
  }
}

/** Never between the two halves of a character. */
function chunkEnd(text: string, start: number): number {
  const end = start + OUTPUT_CHUNK_CHARS;
  const last = charCode(text, end - 1);
  return end < text.length && last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}

function captureConsole(method: keyof typeof LEVELS, level: string): void {
  const original = console[method] as (...args: unknown[]) => void;
  console[method] = function captured(this: unknown, ...args: unknown[]): void {
    // console.trace calls console.error: the outer method names the level.
    const outer = currentLevel;
    currentLevel ??= level;
    try {
      Reflect.apply(original, this, args);
    } finally {
      currentLevel = outer;
    }
  };
}

/** What was printed of characters whose rest never came, as text. Before the last word of an execution. */
export function endOutput(): void {
  for (let i = 0; i < ends.length; i++) (ends[i] as () => void)();
}

const ends: (() => void)[] = [];

function replaceStream(name: 'stdout' | 'stderr', fd: number): void {
  const decoder = new StringDecoder('utf8');
  const end = decoder.end.bind(decoder);
  const decode = decoder.write.bind(decoder);
  const fallbackLevel = name === 'stdout' ? 'info' : 'error';
  const emit = (chunk: unknown, encoding: BufferEncoding | undefined): void => {
    const text =
      typeof chunk === 'string' && (encoding === undefined || encoding === 'utf8')
        ? end() + chunk
        : decode(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk as Uint8Array));
    emitOutput(name, currentLevel ?? fallbackLevel, text);
  };
  ends[ends.length] = () => {
    const rest = end();
    if (rest !== '') emitOutput(name, fallbackLevel, rest);
  };
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, encoding, done) => (emit(chunk, encoding), done()),
  });
  // Synchronous, past the buffer of the stream: written is sent.
  stream.write = ((chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    emit(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  }) as typeof stream.write;
  Object.defineProperty(stream, 'fd', { value: fd, enumerable: true });
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
}
