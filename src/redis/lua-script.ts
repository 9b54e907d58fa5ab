import { createHash } from 'node:crypto';
import { Command } from 'ioredis';
import { isCluster, type RedisClient } from './connections.js';

/** What a script is given beside its keys; a Buffer is what BullMQ packs. */
export type ScriptArgument = string | number | Buffer;

/** Lua: a script as a function of its keys and arguments, to be called within another. */
export const luaFunction = (name: string, source: string): string => `
local function ${name}(KEYS, ARGV)
${source}
end
`;

/** Lua: a text, whatever characters it is of. */
export const luaText = (text: string): string => luaBytes(Buffer.from(text));

/** Lua: a text of these bytes, whatever they are. */
export const luaBytes = (bytes: Buffer): string =>
  `'${bytes.toString('latin1').replace(/[^\w {}:.-]/g, (char) => `\\${`${char.charCodeAt(0)}`.padStart(3, '0')}`)}'`;

/**
 * JSON that Lua's cjson reads whatever is in it: that refuses all of a text in which half of a surrogate pair stands
 * alone, as a producer may have written it in any name. Such a half becomes U+FFFD.
 */
export function jsonForLua(value: unknown): string {
  const text = JSON.stringify(value);
  // Only a half that stands alone is escaped in this form.
  return text.includes('\\ud') ? JSON.stringify(value, wellFormed) : text;
}

const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;

/** The evaluation of a script, written down already: of many arguments ioredis takes twice as long for that. */
class WrittenCommand extends Command {
  constructor(private readonly text: string) {
    super('evalsha', [], TEXT);
  }

  override toWritable(): string {
    return this.text;
  }
}

/** In the protocol of Redis; null: one of them is no text, or not of ASCII alone. */
function writeCommand(head: string, parts: readonly (readonly ScriptArgument[])[]): string | null {
  let count = HEAD_PARTS;
  let text = '';
  for (const list of parts) {
    count += list.length;
    for (const each of list) {
      if (typeof each === 'object') return null;
      const part = typeof each === 'string' ? each : String(each);
      text += `$${part.length}\r\n${part}\r\n`;
    }
  }
  // Lengths are those of bytes. To look at all of it once is cheaper than at each part.
  return Buffer.byteLength(text) === text.length ? `*${count}\r\n${head}${text}` : null;
}

/** Name of the command, and the hash of the script. */
const HEAD_PARTS = 2;

/** A server-side script, sent by its hash and in full only where the server does not know it yet. */
export class LuaScript {
  private readonly sha1: string;
  private readonly head: string;

  /** @param source in Lua, as Redis runs it */
  constructor(readonly source: string) {
    this.sha1 = createHash('sha1').update(source).digest('hex');
    this.head = `$7\r\nevalsha\r\n$${this.sha1.length}\r\n${this.sha1}\r\n`;
  }

  /** Runs the script; on Cluster all keys must share a slot. Returns the raw reply. */
  async run(client: RedisClient, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await client.sendCommand(this.command(client, keys, args));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await client.sendCommand(
        new Command('eval', [this.source, keys.length, ...keys, ...args], TEXT),
      );
    }
  }

  private command(client: RedisClient, keys: readonly string[], args: readonly ScriptArgument[]): Command {
    // A cluster chooses the server by the keys, which it asks the command for.
    const text = isCluster(client) ? null : writeCommand(this.head, [[keys.length], keys, args]);
    if (text !== null) return new WrittenCommand(text);
    return new Command('evalsha', [this.sha1, keys.length, ...keys, ...args], TEXT);
  }

  /** As {@link run}, of a script that replies by {@link JSON_REPLY}: returns what it would have replied without that. */
  async runForJson(
    client: RedisClient,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    return readJsonReply(await this.run(client, keys, args));
  }
}

const TEXT = { replyEncoding: 'utf8' } as const;

/** Of longer texts JSON costs Redis and the reader more than a reply of many parts does, some of them fifty times as much. */
const MOST_JSON_BYTES = 16_384;

/**
 * Lua: what to reply with for a list: JSON, as one text, since a reply of many parts costs its reader five times as much. Where its texts
 * are long it is the list.
 */
export const JSON_REPLY = `
local function bytesOf(list)
  local bytes = 0
  for i = 1, #list do
    local each = list[i]
    local kind = type(each)
    if kind == 'string' then bytes = bytes + #each elseif kind == 'table' then bytes = bytes + bytesOf(each) end
  end
  return bytes
end
local function jsonReply(list) return bytesOf(list) <= ${MOST_JSON_BYTES} and cjson.encode(list) or list end
`;

/** What a script that replies by {@link JSON_REPLY} would have replied without that. */
export const readJsonReply = (reply: unknown): unknown =>
  typeof reply === 'string' ? asReplied(JSON.parse(reply)) : reply;

/** As Redis replies: false is nothing, and numbers are whole. Lua has no list that is empty, cjson writes an object then. */
function asReplied(value: unknown): unknown {
  if (Array.isArray(value)) {
    // By index: what an iterator makes for each part was a twentieth of what an execution leaves to be collected.
    for (let index = 0; index < value.length; index++)
      if (typeof value[index] !== 'string') value[index] = asReplied(value[index]);
    return value;
  }
  if (typeof value === 'number') return Math.trunc(value);
  if (value === null || value === false) return null;
  return value === true ? 1 : [];
}
