import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until.js';
import type { SeenManifest } from './seen.js';
import { statusOf, type UseTrier } from './try-uses.js';

/** As people write them: names alone. Two are not in the registry. */
const MISSING = ['bifrost-no-such-package-a', '@bifrost-no-such-scope/b'];
const NAMES = `lodash axios zod date-fns uuid dayjs rxjs ramda immer nanoid ajv yup joi moment luxon
${MISSING[0]} handlebars mustache ejs marked cheerio csv-parse csv-stringify papaparse xml2js js-yaml
jsonwebtoken jose bcryptjs p-limit p-queue async express fastify koa graphql graphql-request got ${MISSING[1]}
ioredis`.split(/\s+/);
const TIMEOUT_MS = 900_000;
const CLOCK_TICKS_PER_SECOND = 100;
/** To ask more often would cost the worker CPU of its own. */
const LOOK_MS = 250;

/** What a worker with an empty folder makes of these names, from the registry. */
export async function tryManifest(trier: UseTrier, packagesDir: string): Promise<SeenManifest> {
  const { worker } = await trier.worker(NAMES.join('\n'), packagesDir, {});
  const began = performance.now();
  let [shown, since, longestPauseMs] = ['', began, 0];
  const status = await until(
    async () => {
      await sleep(LOOK_MS);
      const seen = await statusOf(worker);
      const now = performance.now();
      const is = JSON.stringify([seen?.state, seen?.progress, seen?.failed.length]);
      longestPauseMs = Math.max(longestPauseMs, now - since);
      if (is !== shown) [shown, since] = [is, now];
      return seen?.state === 'ready' || seen?.state === 'failed' ? seen : null;
    },
    { timeoutMs: TIMEOUT_MS, what: 'the packages are installed' },
  );
  return {
    names: NAMES.length,
    missing: status.failed.map(({ spec }) => spec),
    installed: status.installed.length,
    seconds: Math.round((performance.now() - began) / 1000),
    cpuSeconds: Math.round(cpuSecondsOf(worker.pid)),
    longestPauseSeconds: Math.round(longestPauseMs / 100) / 10,
  };
}

export const MISSING_NAMES: readonly string[] = MISSING;

/** Of a process and of the children that have ended. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name: state is the third field, utime to cstime are the 14th to 17th.
  const times = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15);
  return times.reduce((sum, ticks) => sum + Number(ticks), 0) / CLOCK_TICKS_PER_SECOND;
}
