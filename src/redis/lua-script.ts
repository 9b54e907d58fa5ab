import { createHash } from 'node:crypto';
import type { RedisClient } from './connections.js';

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

/** A server-side script, sent by its hash and in full only where the server does not know it yet. */
export class LuaScript {
  private readonly sha1: string;

  /** @param source in Lua, as Redis runs it */
  constructor(readonly source: string) {
    this.sha1 = createHash('sha1').update(source).digest('hex');
  }

  /** Runs the script; on Cluster all keys must share a slot. Returns the raw reply. */
  async run(client: RedisClient, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await client.evalsha(this.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await client.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}
