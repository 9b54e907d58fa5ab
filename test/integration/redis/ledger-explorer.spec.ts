import { describe, expect, it } from '@jest/globals';
import { explore } from '../../explore/explorer.js';
import { MUTATIONS, type Scenario, SMALL } from '../../explore/scenarios.js';
import { Scripts } from '../../explore/scripts.js';
import { useRedis } from '../../support/servers/test-redis.js';

// `npm run explore` goes further.

const redis = useRedis();
/** Far more states than any of these has. */
const LIMIT = 30_000;

describe('the scripts of the ledger, in every order of what can happen', () => {
  it.each(SMALL.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, { world }) => {
    const scripts = new Scripts(redis.connect());
    await scripts.load();
    const { fault, cut } = await explore(world(), scripts, LIMIT);
    expect({ fault, cut }).toEqual({ fault: null, cut: false });
  });
});

describe('an exploration notices when', () => {
  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s', async (_name, mutation) => {
    const scripts = new Scripts(redis.connect(), mutation);
    await scripts.load();
    const { world } = SMALL.find(({ name }) => name === mutation.scenario) as Scenario;
    const { fault } = await explore(world(), scripts, LIMIT);
    expect(fault).not.toBeNull();
  });
});
