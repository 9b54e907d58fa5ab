import {
  type ModuleReply,
  type ModuleRequest,
  SPECIFIER_LIMIT_CHARS,
} from '../../boundary/module-protocol.js';
import { CHANNEL_FD } from '../../boundary/runner-protocol.js';
import { json, sendFrame } from '../channel/channel.js';
import { OwnMemory } from '../channel/own-memory.js';
import { parse, partOfText, read, wait } from '../channel/primordials.js';

const LINE_FEED = 10;
const CHUNK_BYTES = 65_536;
/** Limit of the importer's URL in a request, in characters; of a `data:` URL the beginning will do. */
const FROM_LIMIT_CHARS = 2 * SPECIFIER_LIMIT_CHARS;
const RETRY_MS = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));
const memory = new OwnMemory(CHUNK_BYTES);

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
    from: json(partOfText(from, 0, FROM_LIMIT_CHARS)),
    missing: missing ? 'true' : 'false',
  });
  return receive();
}

/** Reads until the line feed that ends the reply; the worker sends nothing else here. */
function readLine(): string {
  let length = 0;
  try {
    for (;;) {
      if (length === memory.bytes.length) memory.grow();
      const got = readSome(length);
      if (got === 0) throw new Error('the worker closed the channel');
      length += got;
      if (memory.bytes[length - 1] === LINE_FEED) return memory.text(0, length);
    }
  } finally {
    memory.clear(length);
  }
}

function readSome(at: number): number {
  const { bytes } = memory;
  for (;;) {
    try {
      return read(CHANNEL_FD, bytes, at, bytes.length - at, null);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      wait(pause, 0, 0, RETRY_MS);
    }
  }
}
