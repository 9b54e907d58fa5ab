import { type ModuleReply, type ModuleRequest, SPECIFIER_LIMIT_CHARS } from '../contract/module-protocol.js';
import { CHANNEL_FD } from '../contract/runner-protocol.js';
import { json, sendFrame } from './channel.js';
import { parse, read, wait } from './primordials.js';

const CHUNK_BYTES = 65_536;
const RETRY_MS = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

let receive: () => ModuleReply = () => parse(readLine()) as ModuleReply;

/** From now on replies come this way; a thread has no descriptor of its own. */
export function receiveRepliesBy(way: () => ModuleReply): void {
  receive = way;
}

/** Asks the worker for a module and waits for the reply with the whole thread, as `require` must. */
export function requestModule({ specifier, from, missing = false }: ModuleRequest): ModuleReply {
  if (specifier.length > SPECIFIER_LIMIT_CHARS) {
    const message = `A module name of ${specifier.length} characters; the limit is ${SPECIFIER_LIMIT_CHARS}`;
    return { kind: 'error', error: { code: 'MODULE_LIMIT', name: 'ModuleLimit', message } };
  }
  sendFrame('module-request', {
    specifier: json(specifier),
    from: json(from),
    missing: missing ? 'true' : 'false',
  });
  return receive();
}

/** Reads until the line feed that ends the reply; the worker sends nothing else here. */
function readLine(): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSome(chunk);
    if (length === 0) throw new Error('the worker closed the channel');
    chunks.push(chunk.subarray(0, length));
    if (chunk[length - 1] === 10) return Buffer.concat(chunks).toString('utf8');
  }
}

function readSome(chunk: Buffer): number {
  for (;;) {
    try {
      return read(CHANNEL_FD, chunk, 0, chunk.length, null);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      wait(pause, 0, 0, RETRY_MS);
    }
  }
}
