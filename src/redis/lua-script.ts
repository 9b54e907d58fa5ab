import { createHash } from 'node:crypto';
import type { RedisClient } from './connections.js';

/** What a script is given beside its keys; a Buffer is what BullMQ packs. */
export type ScriptArgument = string | number | Buffer;

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
