import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ResultSettings, resultSettings } from '../../config/slices.js';
import type { BullScripts } from '../../redis/bull-scripts.js';
import type { RedisClient } from '../../redis/connections.js';
import { isoTime } from '../../lib/text/iso-time.js';
import { RedisKeys } from '../../redis/keys.js';
import type { LuaScript, ScriptArgument } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { ExecutionLedger } from '../execution-ledger.js';
import { type FetchReply, fetchScript } from './fetch-script.js';
import type { NextClaim, TakenNext, TakenNextReply } from './take-next.js';

/** What came of a fetch. */
export interface Fetched {
  /** What BullMQ's script answered. */
  reply: unknown[];
  /** The execution of the job; null: it is still to be taken. */
  taken: TakenNext | null;
  /** What BullMQ's script would answer now, as no other job waits; null: it has to be asked. */
  after: unknown[] | null;
}

/** Jobs that BullMQ's scripts hand out, each with its execution, which the same command takes where nothing has to be known before. */
@Injectable()
export class NextJobs {
  private scripts: BullScripts | null = null;
  /** The newest one, and the keys that it has. */
  private made: { keys: readonly ScriptArgument[]; script: LuaScript } | null = null;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly ledger: ExecutionLedger,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /** @param scripts null: they are not those that we know */
  prepare(scripts: BullScripts | null): void {
    this.scripts = scripts;
  }

  /** Whether a job can be fetched with its execution; else BullMQ fetches it by its own command. */
  get isPossible(): boolean {
    return this.scripts !== null;
  }

  /**
   * Runs BullMQ's moveToActive with the take, where that {@link isPossible}.
   * @param given keys and arguments that BullMQ has made for moveToActive
   * @throws what BullMQ's script throws
   */
  async fetch(given: readonly ScriptArgument[]): Promise<Fetched> {
    const { scripts } = this;
    if (scripts === null) throw new Error("BullMQ's scripts are not known");
    const { keys } = scripts.moveToActive;
    const script = this.scriptFor(scripts, given.slice(0, keys));
    const { owner, now } = this.claim();
    const args = [owner, this.settings.workerId, now, ...given.slice(keys)];
    const [reply, taken, after] = (await script.runForJson(this.redis, [], args)) as FetchReply;
    return { reply, taken: this.read(taken), after };
  }

  /** Owner and time of the take of the next execution. */
  claim(): NextClaim {
    return { owner: this.ledger.owner, now: isoTime(Date.now()) };
  }

  /**
   * Reads what was taken. From here on it counts as being in hand, although its job is not opened yet: another
   * job of the same execution, which may be opened before it, does not take it over.
   */
  read(reply: TakenNextReply | undefined): TakenNext | null {
    if (!reply) return null;
    const taken = { executionId: reply[0], reply: reply[1] };
    if (isStarted(taken)) this.ledger.noteStarted(taken.executionId);
    return taken;
  }

  /** Gives back what was taken, for a job that this worker does not go on with. Never rejects. */
  async giveBack(taken: TakenNext): Promise<void> {
    if (!isStarted(taken)) return;
    const { executionId } = taken;
    await this.ledger.free(executionId, { run: null, counted: false }).catch(() => null);
    // One that is to be cancelled stays ours in Redis, and no code here has it: its next delivery takes it over.
    this.ledger.release(executionId);
  }

  /** One script for all jobs, since BullMQ gives all of them the same keys. */
  private scriptFor(scripts: BullScripts, keys: readonly ScriptArgument[]): LuaScript {
    const { made } = this;
    if (made?.keys.length === keys.length && made.keys.every((key, index) => key === keys[index]))
      return made.script;
    const { unfinishedTtlSeconds: ttlSeconds, hasGenerations } = this.settings;
    const rules = { ttlSeconds, hasGenerations };
    const script = fetchScript(scripts, this.keys, { fetching: keys as string[], rules });
    this.made = { keys, script };
    return script;
  }
}

/** Whether it is this worker's now; else it has ended or is elsewhere. */
const isStarted = ({ reply }: TakenNext): boolean => reply[0] === 'taken' && reply[1][0] === 'started';
