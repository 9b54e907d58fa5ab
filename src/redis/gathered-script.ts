import { Cluster } from 'ioredis';
import { atEndOfTurn } from '../lib/end-of-turn.js';
import { batches } from '../lib/in-batches.js';
import type { RedisClient } from './connections.js';
import { luaFunction, LuaScript } from './lua-script.js';

/** Calls, and characters of them, that go out as one command: Redis serves no other client meanwhile. */
const MOST_AT_ONCE = 32;
const MOST_CHARS = 1_048_576;

interface Call {
  keys: string[];
  args: (string | number)[];
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}

/**
 * A script that many executions run in the same moment: the calls of one turn of the event loop go out
 * as one command. Each call succeeds or fails on its own. On Cluster, where their keys lie in different
 * slots, each is a command of its own.
 */
export class GatheredScript {
  private readonly single: LuaScript;
  private readonly several: LuaScript;
  private readonly waiting = new WeakMap<RedisClient, Call[]>();

  /**
   * @param source in Lua, as Redis runs it for one call
   * @param shape how many keys and arguments every call has
   */
  constructor(
    readonly source: string,
    private readonly shape: { keys: number; args: number },
  ) {
    this.single = new LuaScript(source);
    this.several = new LuaScript(forSeveral(source, shape));
  }

  /** Returns the raw reply. */
  run(client: RedisClient, keys: string[], args: (string | number)[]): Promise<unknown> {
    if (keys.length !== this.shape.keys || args.length !== this.shape.args)
      throw new RangeError('A gathered script has the same number of keys and arguments in each call');
    if (client instanceof Cluster) return this.single.run(client, keys, args);
    return new Promise((resolve, reject) => {
      const call: Call = { keys, args, resolve, reject };
      const others = this.waiting.get(client);
      if (others) {
        others.push(call);
        return;
      }
      this.waiting.set(client, [call]);
      atEndOfTurn(() => this.sendAll(client));
    });
  }

  private sendAll(client: RedisClient): void {
    const calls = this.waiting.get(client) ?? [];
    this.waiting.delete(client);
    for (const batch of batches(calls, MOST_AT_ONCE, MOST_CHARS, charsOf)) void this.send(client, batch);
  }

  private async send(client: RedisClient, calls: readonly Call[]): Promise<void> {
    try {
      const [first] = calls;
      if (first && calls.length === 1) {
        first.resolve(await this.single.run(client, first.keys, first.args));
        return;
      }
      const keys = calls.flatMap((call) => call.keys);
      const args = calls.flatMap((call) => call.args);
      const replies = (await this.several.run(client, keys, args)) as unknown[];
      for (const [index, { resolve, reject }] of calls.entries()) {
        const reply = replies[index];
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}

const charsOf = ({ args }: Call): number => args.reduce<number>((sum, arg) => sum + String(arg).length, 0);

/** The same script for any number of calls, whose keys and arguments follow each other. */
const forSeveral = (source: string, { keys, args }: { keys: number; args: number }): string => `
${luaFunction('one', source)}
local replies = {}
for i = 1, #KEYS / ${keys} do
  local k, a = (i - 1) * ${keys}, (i - 1) * ${args}
  local ok, reply = pcall(one, {unpack(KEYS, k + 1, k + ${keys})}, {unpack(ARGV, a + 1, a + ${args})})
  if ok then replies[i] = reply
  elseif type(reply) == 'table' then replies[i] = redis.error_reply(reply.err)
  else replies[i] = redis.error_reply(tostring(reply)) end
end
return replies
`;
