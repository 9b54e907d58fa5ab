import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type ResultSettings, resultSettings } from '../../config/slices.js';
import type { Tick } from '../../contract/jobs/schedule.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { isTickOpen } from '../../queue/schedules/open-ticks.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { LuaScript } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import type { OpenTick, TickState } from './tick-decision.js';

/** Field that counts the changes of a schedule's ticks. */
const VERSION = 'version';

/** KEYS turns; ARGV version that was read, ttl in seconds, due, state, JSON list of due times that are over -> 1, or 0 when it has changed */
const COMMIT = new LuaScript(`
if (redis.call('HGET', KEYS[1], '${VERSION}') or '0') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', KEYS[1], '${VERSION}', 1)
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
for _, due in ipairs(cjson.decode(ARGV[5])) do redis.call('HDEL', KEYS[1], due) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** What the ticks of a schedule are at, and which state of them that is. */
interface SeenTurns {
  version: string;
  standing: TickState | null;
  others: OpenTick[];
  /** Due times of those that have ended. */
  over: number[];
}

/**
 * What was decided of the ticks of a schedule that have not ended: the one place for it, for all workers. A decision is
 * made over what is read here and written only where nothing has changed since.
 */
@Injectable()
export class TickTurns {
  constructor(
    @Inject(PATIENT_REDIS) readonly redis: RedisClient,
    @Inject(WORK_QUEUE) readonly queue: Queue,
    readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: Pick<ResultSettings, 'unfinishedTtlSeconds'>,
  ) {}

  /** Decides, as often as another worker does so at the same moment, and resolves with what stands. */
  async decide<T extends { tick: TickState }>(
    tick: Tick,
    decide: (standing: TickState | null, others: readonly OpenTick[]) => T,
  ): Promise<T & { isNew: boolean }> {
    const key = this.keys.scheduleTurns(tick.schedule);
    for (;;) {
      const { version, standing, others, over } = await this.read(tick);
      const decision = decide(standing, others);
      const isSame = standing?.state === decision.tick.state;
      if (isSame && over.length === 0) return { ...decision, isNew: false };
      const args = [
        version,
        this.settings.unfinishedTtlSeconds,
        tick.dueMs,
        JSON.stringify(decision.tick),
        JSON.stringify(over.map(String)),
      ];
      if ((await COMMIT.run(this.redis, [key], args)) === 1) return { ...decision, isNew: standing === null };
    }
  }

  private async read({ schedule, dueMs }: Tick): Promise<SeenTurns> {
    const { [VERSION]: version = '0', ...entries } = await this.redis.hgetall(
      this.keys.scheduleTurns(schedule),
    );
    const { [String(dueMs)]: own, ...rest } = entries;
    const known = Object.entries(rest).map(([due, text]) => ({
      dueMs: Number(due),
      state: (JSON.parse(text) as TickState).state,
    }));
    const open = await Promise.all(known.map((one) => isTickOpen({ schedule, dueMs: one.dueMs }, this)));
    return {
      version,
      standing: own === undefined ? null : (JSON.parse(own) as TickState),
      others: known.filter((_, index) => open[index]),
      over: known.filter((_, index) => !open[index]).map((one) => one.dueMs),
    };
  }
}
