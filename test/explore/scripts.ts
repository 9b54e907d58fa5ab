import type { RedisClient } from '../../src/redis/connections.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { readJsonReply } from '../../src/redis/lua-script.js';
import { endScript } from '../../src/results/at-once/end-script.js';
import * as ledgerScripts from '../../src/results/execution-scripts.js';
import type { Store } from './world.js';

const keys = new RedisKeys('explore:');

/** Stands in arguments for the id of the execution, of which each call has another. */
export const EXECUTION = '(execution)';

/** Those of the ledger, and the one that ends an execution at once, without what belongs to BullMQ. */
const scripts = {
  ...ledgerScripts,
  END: endScript(
    {
      addStandardJob: { source: 'return 1', keys: 0 },
      moveToFinished: { source: 'return 0', keys: 0 },
    },
    keys,
    {
      adding: [],
      finishing: [],
      rules: {
        resultTtlSeconds: 3_600,
        feedLength: 0,
        logTtlSeconds: 3_600,
        logLimitBytes: 1_000_000,
        ttlSeconds: 3_600,
        hasGenerations: false,
      },
    },
  ),
};

export type ScriptName = keyof typeof scripts;

/** A call of one of the ledger's scripts. */
export interface Call {
  script: ScriptName;
  args: (string | number)[];
  /** Run whose former result the call may move away. */
  former?: string;
}

/** How many keys each script is given, in the order of {@link keysOf}. */
const KEYS: Readonly<Record<ScriptName, readonly number[]>> = {
  BEGIN: [0, 1, 2],
  REOPEN: [0, 1, 2, 3],
  TAKE_OVER: [0, 1, 2],
  FREE: [0, 1, 2],
  ASK_CANCEL: [0, 1],
  FORGET: [0, 1],
  SETTLE: [0, 1, 2],
  SETTLE_UNOWNED: [0, 1],
  MARK_PUBLISHED: [1],
  MARK_DELIVERY: [1],
  // It makes their names itself.
  END: [],
};
const keysOf = (slot: number): [string, string, string, string, string] => [
  keys.result(idOf(slot)),
  keys.ledger(idOf(slot)),
  keys.attempts(idOf(slot)),
  keys.formerResult(idOf(slot), 1),
  keys.logs(idOf(slot)),
];
const idOf = (slot: number): string => `e${slot}`;

/** A check that is taken out of a script, to see that a check notices. */
export interface Mutation {
  script: ScriptName;
  from: string;
  to: string;
}

/** Runs the scripts of the ledger on a real Redis, from any state to the next. */
export class Scripts {
  private readonly hashes = new Map<ScriptName, string>();

  constructor(
    private readonly client: RedisClient,
    private readonly mutation: Mutation | null = null,
  ) {}

  /** Gives Redis the scripts; with the check taken out where there is a mutation. */
  async load(): Promise<void> {
    for (const [name, { source }] of Object.entries(scripts) as [ScriptName, { source: string }][]) {
      const { mutation } = this;
      let text = source;
      if (mutation?.script === name) {
        if (!source.includes(mutation.from)) throw new Error(`${name} has no ${mutation.from}`);
        text = source.replace(mutation.from, mutation.to);
      }
      const client = this.client as unknown as { script(command: 'LOAD', text: string): Promise<string> };
      this.hashes.set(name, await client.script('LOAD', text));
    }
  }

  /**
   * What a call answers and leaves, each from its own state, all in one round trip.
   * @throws what a script throws
   */
  async run(calls: readonly { store: Store; call: Call }[]): Promise<{ reply: unknown; store: Store }[]> {
    const pipeline = (this.client as unknown as { pipeline(): Pipeline }).pipeline();
    for (const [slot, { store, call }] of calls.entries()) this.write(pipeline, slot, store, call);
    const answers = await pipeline.exec();
    return calls.map(({ store, call }, index) => {
      const own = answers.slice(index * COMMANDS, (index + 1) * COMMANDS).map(([error, answer]) => {
        if (error) throw error;
        return answer;
      });
      const [reply, result, ledger, attempts, former] = own.slice(-5);
      const moved = former as string | null;
      return {
        reply: call.script === 'END' ? readJsonReply(reply) : reply,
        store: {
          result: result as string | null,
          // Who made a start, and how that ended, decides nothing.
          ledger: Object.fromEntries(
            Object.entries(ledger as Record<string, string>).filter(([name]) => !/^(start|end):/.test(name)),
          ),
          attempts: attempts as string[],
          former: moved === null ? store.former : { ...store.former, [call.former ?? '']: moved },
        },
      };
    });
  }

  private write(pipeline: Pipeline, slot: number, store: Store, { script, args }: Call): void {
    const names = keysOf(slot);
    const [result, ledger, attempts, former] = names;
    pipeline.del(...names);
    // Always the same number of commands, to match the answers.
    if (store.result === null) pipeline.del(result);
    else pipeline.set(result, store.result);
    const fields = Object.entries(store.ledger).flat();
    if (fields.length === 0) pipeline.del(ledger);
    else pipeline.hset(ledger, ...fields);
    if (store.attempts.length === 0) pipeline.del(attempts);
    else pipeline.rpush(attempts, ...store.attempts);
    const own = args.map((each) => (each === EXECUTION ? idOf(slot) : each));
    const used = KEYS[script].map((index) => names[index] as string);
    pipeline.evalsha(this.hashes.get(script) as string, used.length, ...used, ...own);
    pipeline.get(result).hgetall(ledger).lrange(attempts, '0', '-1').get(former);
  }
}

const COMMANDS = 9;

interface Pipeline {
  del(...keys: string[]): Pipeline;
  set(key: string, value: string): Pipeline;
  hset(key: string, ...fields: string[]): Pipeline;
  rpush(key: string, ...values: string[]): Pipeline;
  evalsha(hash: string, keys: number, ...rest: (string | number)[]): Pipeline;
  get(key: string): Pipeline;
  hgetall(key: string): Pipeline;
  lrange(key: string, from: string, to: string): Pipeline;
  exec(): Promise<[Error | null, unknown][]>;
}
