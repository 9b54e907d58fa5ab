import { expect, it } from '@jest/globals';
import { useRedis } from '../support/servers/test-redis.js';
import { explore } from './explorer.js';
import { LARGE, SMALL } from './scenarios.js';
import { Scripts } from './scripts.js';

// `npm run explore`: some minutes.

const redis = useRedis();
const WANTED = 100_000n;
let total = 0n;

it.each([...SMALL, ...LARGE].map((scenario) => [scenario.name, scenario] as const))(
  '%s',
  async (name, { world }) => {
    const scripts = new Scripts(redis.connect());
    await scripts.load();
    const { states, interleavings, fault } = await explore(world(), scripts);
    total += interleavings;
    process.stdout.write(`${name}: ${states} states, ${interleavings} interleavings\n`);
    // Jest shortens what it shows.
    if (fault) throw new Error(`${fault.what}: ${fault.path.join('; ')}`);
  },
  30 * 60_000,
);

it(`goes through at least ${WANTED} interleavings`, () => {
  process.stdout.write(`${total} interleavings\n`);
  expect(total >= WANTED).toBe(true);
});
