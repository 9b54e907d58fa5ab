import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { RedisClient } from '../../redis/connections.js';
import { LuaScript } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { WORK_QUEUE } from '../queue-tokens.js';
import { HELD_SCORE, LEVEL, PRODUCER } from './lane-levels.js';

const AT_ONCE = 500;

/** KEYS delayed, prioritized, priority counter, marker; ARGV score from which jobs are held, how many at once, priority -> how many were released */
const RELEASE = new LuaScript(`
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[2], ARGV[3] * ${LEVEL} + redis.call('INCR', KEYS[3]) % ${LEVEL}, id)
end
if #ids > 0 then redis.call('ZADD', KEYS[4], 0, '0') end
return #ids
`);

/** Jobs that wait for room below a cap, where caps do not hold any more. */
@Injectable()
export class HeldJobs {
  private readonly logger = new Logger(HeldJobs.name);

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
  ) {}

  /** Makes all of them takable. @returns how many there were */
  async release(): Promise<number> {
    const keys = ['delayed', 'prioritized', 'pc', 'marker'].map((name) => this.queue.toKey(name));
    let released = 0;
    for (;;) {
      const some = (await RELEASE.run(this.redis, keys, [HELD_SCORE, AT_ONCE, PRODUCER])) as number;
      released += some;
      if (some < AT_ONCE) break;
    }
    if (released > 0)
      this.logger.log({ msg: 'FAIR_ORDER is off: jobs that waited for a cap may be taken', released });
    return released;
  }
}
