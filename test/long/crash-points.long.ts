import { expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { deathsOver, surviveDeath, type Way } from '../support/crashes/crash-points.js';
import { useRedis } from '../support/servers/test-redis.js';

// `npm run crashes`: some minutes. A worker dies before and after each command that it sends for two executions;
// CRASHES_FROM=14 begins at the 14th of them, `-- -t 'by separate commands'` tries one way only.

const redis = useRedis();
const RUNS = 50;
/** Not every run sends the last commands: which are sent together depends on when they come. */
const MOST_RUNS = 4 * RUNS;
/** Deaths that are tried at once. */
const AT_ONCE = 10;
/** The first command at which it dies. */
const FROM = Number(process.env['CRASHES_FROM'] ?? 1);
Logger.overrideLogger(false);

it.each<Way>(['at once', 'by separate commands'])(
  `leaves one result and nothing in doubt, ${RUNS} times at each place: %s`,
  async (way) => {
    const { sent } = await surviveDeath(redis, way, null);
    process.stdout.write(`${way}: ${sent.length} commands: ${sent.join(' ')}\n`);
    for (const plan of deathsOver(sent.length).filter(({ at }) => at >= FROM)) {
      let died = 0;
      for (let run = 0; died < RUNS && run < MOST_RUNS; run += AT_ONCE) {
        const deaths = await Promise.all(
          Array.from({ length: AT_ONCE }, () => surviveDeath(redis, way, plan)),
        );
        expect(deaths.map(({ faults }) => faults)).toEqual(deaths.map(() => []));
        died += deaths.filter((death) => death.died).length;
      }
      const where = `${plan.after ? 'after' : 'before'} command ${plan.at}, ${sent[plan.at - 1]}`;
      process.stdout.write(`${where}: ${died} deaths\n`);
    }
  },
  30 * 60_000,
);
