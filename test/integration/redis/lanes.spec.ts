import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { organizationSettingsSchema } from '../../../src/contract/organization.js';
import { LaneLimits } from '../../../src/queue/fairness/lane-limits.js';
import { batches } from '../../../src/lib/in-batches.js';
import type { Lanes } from '../../../src/queue/fairness/lanes.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { OrganizationStore } from '../../../src/tenants/organizations/organization-store.js';
import { aLane, LaneWorld, type TakenJob } from '../../support/fairness/lanes.js';
import { pick, randomOf } from '../../../src/faults/seeded-random.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

Logger.overrideLogger(false);

const redis = useRedis();
let world: LaneWorld;

beforeEach(async () => {
  world = new LaneWorld(redis);
  await world.beat(2);
});

const whose = (taken: TakenJob | null): string => taken?.lane.organization ?? 'none';

/** As often as the loss of keys needs to be seen. */
async function moveAll(): Promise<void> {
  for (let beat = 0; beat < 3; beat++) {
    const leading = await world.beat(2);
    if (leading) await world.direct.move(leading);
  }
}

describe('the order', () => {
  it('takes the only one of an organization before what others have queued, and then in turns', async () => {
    await world.submitMany(100, 'a');
    const running = [await world.takeOne(), await world.takeOne()];
    await world.submitMany(3, 'b');
    expect(running.map(whose)).toEqual(['a', 'a']);
    const taken: string[] = [];
    for (let turn = 0; turn < 6; turn++) {
      await world.end(running.shift()!);
      const next = await world.takeOne();
      running.push(next);
      taken.push(whose(next));
    }
    expect(taken[0]).toBe('b');
    expect(taken.filter((one) => one === 'b')).toHaveLength(3);
  });

  it('leaves an organization that is alone to the order of BullMQ', async () => {
    const ids = await world.submitMany(5, 'a');
    const taken: (string | undefined)[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const next = (await world.takeOne())!;
      taken.push(next.job.id);
      await world.end(next);
    }
    expect(taken).toEqual(ids);
    expect(await world.keys()).toEqual([]);
  });

  it('keeps own priorities and bands, within an organization and among several', async () => {
    await world.submit('a');
    const [late, early] = [
      await world.submit('a', { priority: 7 }),
      await world.submit('a', { priority: 2 }),
    ];
    const background = await world.submit('a', { band: 'background' });
    const other = await world.submit('b', { band: 'background' });
    const taken: (string | undefined)[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const next = (await world.takeOne())!;
      taken.push(next.job.id);
      await world.end(next);
    }
    expect(taken.slice(1, 3)).toEqual([early, late]);
    expect(new Set(taken.slice(3))).toEqual(new Set([background, other]));
  });

  it('takes one that is asked for now and then at once, among many with long queues', async () => {
    const [SLOTS, LENGTH_MS, EVERY_MS] = [4, 100, 300];
    await world.beat(SLOTS);
    for (let n = 0; n < 10; n++) await world.submitMany(12, `busy-${n}`);
    const slots: { taken: TakenJob; until: number }[] = [];
    const asked = new Map<string, number>();
    const waits: number[] = [];
    // The first of each new organization comes at once, too.
    for (let now = 0, nextAsk = 400; slots.length > 0 || now === 0;) {
      while (slots.length < SLOTS) {
        const taken = await world.takeOne();
        if (!taken) break;
        const atMs = asked.get(taken.job.id!);
        if (atMs !== undefined) waits.push((now - atMs) / LENGTH_MS);
        slots.push({ taken, until: now + LENGTH_MS + slots.length });
      }
      slots.sort((a, b) => a.until - b.until);
      const next = slots.shift()!;
      now = next.until;
      await world.end(next.taken, LENGTH_MS);
      if (now >= nextAsk) {
        nextAsk += EVERY_MS;
        const id = await world.submit('small');
        asked.set(id, now);
      }
      if (waits.length > 6) break;
    }
    expect(waits.length).toBeGreaterThan(6);
    expect(waits.toSorted((a, b) => a - b)[waits.length >> 1]).toBeLessThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3);
  });

  it('takes who asks for one thing at a time first, also above its share, in few slots and for nothing', async () => {
    await world.beat(8);
    for (let n = 0; n < 3; n++) await world.submitMany(20, `busy-${n}`);
    // The first of each new organization comes first, too.
    for (let n = 0; n < 3; n++) await world.takeOne();
    const askAndEnd = async (organization: string): Promise<void> => {
      await world.submit(organization);
      const taken = (await world.takeOne())!;
      expect(whose(taken)).toBe(organization);
      await world.end(taken, 1_000);
    };
    for (let n = 0; n < 30; n++) await askAndEnd('small');
    for (let n = 0; n < 15; n++) await askAndEnd('tiny');
    const [tag, virtual] = await Promise.all([
      world.client.zscore(`${world.lanes.base}:tags`, 'small'),
      world.client.hget(`${world.lanes.base}:state`, 'v'),
    ]);
    expect(Number(tag) - Number(virtual)).toBeLessThan(7_000);
    // One of eight slots: the second waits for its turn, and so does what comes beside the first.
    await world.submitMany(2, 'small');
    await world.submit('tiny');
    const next = [await world.takeOne(), await world.takeOne(), await world.takeOne()].map(whose);
    expect(next[0]).toBe('small');
    expect(next.slice(1).every((one) => one.startsWith('busy'))).toBe(true);
  });

  it('gives who waits its share beside many that ask again and again', async () => {
    await world.beat(2);
    await world.submitMany(60, 'waits');
    for (let n = 0; n < 6; n++) await world.submit(`asks-${n}`);
    const running: TakenJob[] = [];
    const ended: string[] = [];
    while (ended.length < 240) {
      while (running.length < 2) running.push((await world.takeOne())!);
      const taken = running.shift()!;
      const organization = whose(taken);
      await world.end(taken, 100);
      ended.push(organization);
      if (organization.startsWith('asks')) await world.submit(organization);
    }
    // Each of the six may come first a few times; then all take turns.
    const share = ended.slice(100).filter((one) => one === 'waits').length / 140;
    expect(share).toBeGreaterThan(0.12);
  });

  it('charges nothing for what was cancelled before it ran', async () => {
    const ids = await world.submitMany(300, 'a');
    await world.submitMany(20, 'b');
    for (const id of ids) {
      await world.queue.remove(id);
      world.lanes.noteRemoved(id, 'a');
    }
    await world.settle();
    for (let turn = 0; turn < 4; turn++) await world.end((await world.takeOne())!);
    await world.submit('a');
    expect(whose(await world.takeOne())).toBe('a');
  });

  it('takes names that are no valid Unicode, and what else is asked with them', async () => {
    const lanes = [
      aLane('a', { key: '\ud800' }),
      aLane('b', { workflow: '\udfff' }),
      aLane('\udc00'),
      aLane('c'),
    ];
    const replies = await Promise.all(
      lanes.map((lane, index) => world.lanes.take(String(index), lane, 'w', false)),
    );
    expect(replies).toEqual(['go', 'go', 'go', 'go']);
  });

  it('passes over jobs that others have taken off the queue', async () => {
    await world.submitMany(50, 'a');
    await world.submitMany(2, 'b');
    await world.queue.drain(true);
    await world.submit('b');
    expect(whose(await world.takeOne())).toBe('b');
  });
});

describe('a cap', () => {
  const runAll = async (): Promise<TakenJob[]> => {
    const taken: TakenJob[] = [];
    for (let next = await world.takeOne(); next; next = await world.takeOne()) taken.push(next);
    return taken;
  };

  beforeEach(() => world.beat(10));

  it.each([
    ['an organization', { max_running: 3 }, {}],
    ['a workflow', { workflows: { w: 3 } }, { workflow: 'w' }],
    ['a concurrency key', null, { key: 'k', limit: 3 }],
  ])('of %s holds, and every place is used again', async (_what, limits, changes) => {
    await world.lanes.setLimits('a', limits);
    await world.submitMany(12, 'a', changes);
    let ended = 0;
    for (let round = 0; round < 4; round++) {
      const running = await runAll();
      expect(running).toHaveLength(3);
      for (const taken of running) await world.end(taken);
      ended += running.length;
    }
    expect(ended).toBe(12);
    expect(await world.keys()).toEqual([]);
  });

  it('holds nobody else back', async () => {
    await world.lanes.setLimits('a', { max_running: 1 });
    await world.submitMany(5, 'a');
    await world.submitMany(3, 'b');
    expect((await runAll()).map(whose).toSorted()).toEqual(['a', 'b', 'b', 'b']);
  });

  it('takes effect at once, whether it is set, raised or removed', async () => {
    await world.submitMany(10, 'a');
    await world.lanes.setLimits('a', { max_running: 2 });
    const first = await runAll();
    expect(first).toHaveLength(2);
    await world.lanes.setLimits('a', { max_running: 4 });
    expect(await runAll()).toHaveLength(2);
    await world.lanes.setLimits('a', { max_running: 1 });
    await world.end(first[0]!);
    expect(await runAll()).toHaveLength(0);
    await world.lanes.setLimits('a', null);
    expect(await runAll()).toHaveLength(6);
  });

  it('is copied from the records of organizations, once', async () => {
    const keys = new RedisKeys('limits:');
    const records = new OrganizationStore(world.client, keys);
    const told: unknown[][] = [];
    const setLimits = (...limits: Parameters<Lanes['setLimits']>): Promise<void> => {
      told.push(limits);
      return world.lanes.setLimits(...limits);
    };
    const lanes = { isOn: true, base: world.lanes.base, setLimits } as unknown as Lanes;
    const copy = async (id: string, settings: object): Promise<void> => {
      await records.save(id, organizationSettingsSchema.parse(settings));
      const limits = new LaneLimits(world.client, records, lanes, world.client, keys);
      redis.onDispose(() => limits.stop());
      await limits.start();
      await until(() => told.some(([organization]) => organization === id), { what: `the copy of ${id}` });
      limits.stop();
    };
    await records.save('a', organizationSettingsSchema.parse({}));
    await copy('b', { max_running: 2 });
    await copy('c', { weight: 3 });
    expect(told).toEqual([
      ['b', { max_running: 2 }],
      ['c', { weight: 3 }],
    ]);
  });

  it('holds what was queued before it was set, so that no worker takes that in vain', async () => {
    await world.submitMany(30, 'a');
    await world.lanes.setLimits('a', { max_running: 1 });
    await world.beat(10);
    await world.beat(10);
    expect(await world.queue.getPrioritizedCount()).toBeLessThanOrEqual(1);
    for (let n = 0; n < 30; n++) await world.end((await world.take())!);
    expect(await world.keys()).toEqual([]);
  });

  it('holds for what comes past the lanes, and for what others have promoted', async () => {
    await world.lanes.setLimits('a', { max_running: 2 });
    for (let n = 0; n < 5; n++) await world.addDirectly('a');
    const running = await runAll();
    expect(running).toHaveLength(2);
    await world.queue.promoteJobs();
    expect(await runAll()).toHaveLength(0);
    for (const taken of running) await world.end(taken);
    expect(await runAll()).toHaveLength(2);
  });

  it('keeps the place of a worker that died until its job comes back, and of a frozen one that is not its any more', async () => {
    await world.lanes.setLimits('a', { max_running: 1 });
    const id = await world.submit('a');
    await world.submit('a');
    const lane = aLane('a');
    expect(whose(await world.takeOne('dead'))).toBe('a');
    expect(await world.take()).toBeNull();
    // The same job once more, as one that was stalled.
    expect(await world.lanes.take(id, lane, 'w2', false)).toBe('go');
    world.lanes.noteEnded(id, 'a', 'dead', 5);
    await world.settle();
    expect(await world.placeCount()).toBe(1);
    world.lanes.noteEnded(id, 'a', 'w2', 5);
    world.lanes.noteEnded(id, 'a', 'w2', 5);
    await world.settle();
    expect(await world.placeCount()).toBe(1);
    expect((await world.takeOne())?.job.id).not.toBe(id);
  });

  it('is right again after a beat where keys were lost, and everything that BullMQ kept runs', async () => {
    await world.lanes.setLimits('a', { max_running: 2 });
    await world.submitMany(6, 'a');
    const running = await runAll();
    expect(await world.beat(10)).toMatchObject({ hasLostKeys: false });
    const keys = await world.client.keys(`${world.lanes.base}:*`);
    await world.client.del(...keys);
    expect(await world.beat(10)).toMatchObject({ hasLostKeys: true });
    await world.lanes.setLimits('a', { max_running: 2 });
    for (let beat = 0; beat < 3; beat++) {
      const leading = await world.beat(10);
      if (leading) await world.direct.move(leading);
    }
    expect(await runAll()).toHaveLength(0);
    let ended = 0;
    for (let some = running; some.length > 0; some = await runAll()) {
      expect(some).toHaveLength(2);
      for (const taken of some) await world.end(taken);
      ended += some.length;
    }
    expect(ended).toBe(6);
  });

  it('has all that waited again after keys were lost, however much that is', async () => {
    await world.lanes.setLimits('a', { max_running: 2 });
    await world.submitMany(150, 'a');
    await world.submitMany(5, 'b');
    const key = (name: string): string => `${world.lanes.base}:${name}`;
    const chosen = await world.client.scard(key('run:a'));
    await world.client.del(...(await world.client.keys(key('*'))));
    await world.lanes.setLimits('a', { max_running: 2 });
    // Lanes are there again before anybody has noticed.
    await world.submitMany(3, 'c');
    await moveAll();
    const kept = (await world.client.zcard(key('lane:0:a'))) + (await world.client.scard(key('run:a')));
    expect(kept).toBe(150 - chosen);
  });
});

describe('organizations that were active once', () => {
  // LANES_ORGANIZATIONS=100000 for as many as an installation may have seen.
  const ORGANIZATIONS = Number(process.env['LANES_ORGANIZATIONS'] ?? 100);
  const AT_ONCE = 50;

  it('leave no key when all is idle', async () => {
    const served: string[] = [];
    const names = Array.from({ length: ORGANIZATIONS }, (_, n) => `once-${n}`);
    for (const some of batches(names, AT_ONCE)) await Promise.all(some.map((name) => world.submit(name)));
    for (let taken = await world.takeOne(); taken; taken = await world.takeOne()) {
      await world.end(taken);
      served.push(whose(taken));
    }
    expect(new Set(served).size).toBe(ORGANIZATIONS);
    expect(await world.keys()).toEqual([]);
  }, 3_600_000);

  it('leave none while another organization goes on', async () => {
    await world.submitMany(AT_ONCE + 5, 'goes-on');
    for (let n = 0; n < AT_ONCE; n++) await world.submit(`once-${n}`);
    for (let n = 0; n < 2 * AT_ONCE; n++) await world.end((await world.takeOne())!);
    await world.beat(2);
    expect((await world.keys()).filter((key) => key.includes('once'))).toEqual([]);
    const kept = await world.client.zrange(`${world.lanes.base}:tags`, '0', '-1');
    expect(kept.filter((name) => name.startsWith('once'))).toEqual([]);
  });
});

describe('a rate', () => {
  it('lets so many start within any span of its length', async () => {
    await world.beat(10);
    await world.lanes.setLimits('a', { rate: { executions: 2, ms: 150 } });
    await world.submitMany(5, 'a');
    const starts: number[] = [];
    await until(
      async () => {
        const taken = await world.takeOne();
        if (taken)
          starts.push(await world.client.time().then(([s, us]) => Number(s) * 1000 + Number(us) / 1000));
        else world.lanes.look();
        return starts.length === 5;
      },
      { what: 'all have started' },
    );
    // The start is noted before this clock is read.
    for (let n = 2; n < starts.length; n++) expect(starts[n]! - starts[n - 2]!).toBeGreaterThan(120);
  });
});

it('promises no start by a rate any more that was removed before a worker took the job', async () => {
  await world.lanes.setLimits('a', { rate: { executions: 2, ms: 60_000 } });
  await world.submit('a');
  expect(await world.client.scard(`${world.lanes.base}:promised:a`)).toBe(1);
  await world.lanes.setLimits('a', null);
  expect((await world.takeOne())?.reply).toBe('go');
  expect(await world.client.exists(`${world.lanes.base}:promised:a`)).toBe(0);
});

describe('jobs of producers of their own', () => {
  it.each([{}, { priority: 2_097_151 }, { priority: 5 }])(
    'get their turn with the options %j',
    async (options) => {
      for (let n = 0; n < 150; n++) await world.addDirectly('a', options);
      const running = [(await world.takeOne())!, (await world.takeOne())!];
      await world.addDirectly('b', options);
      await world.submit('c');
      await moveAll();
      for (const taken of running) await world.end(taken);
      const next = [await world.takeOne(), await world.takeOne()];
      expect(next.map(whose).toSorted()).toEqual(['b', 'c']);
    },
  );

  it('get their turn behind many that cannot be moved', async () => {
    await world.submit('a');
    const place = JSON.stringify({ o: 'w2', g: 'a', c: 0, t: Date.now() });
    for (let n = 0; n < 101; n++) {
      const id = await world.addDirectly('a', { priority: 5 });
      await world.client.hset(`${world.lanes.base}:places`, id, place);
    }
    const behind = await world.addDirectly('b', { priority: 2_097_151 });
    await moveAll();
    const score = await world.client.zscore(world.queue.toKey('prioritized'), behind);
    expect(Number(score)).toBeLessThan(2_097_151 * 2 ** 32);
  });

  it('stay where they are while nobody else waits', async () => {
    for (let n = 0; n < 20; n++) await world.addDirectly('a');
    await moveAll();
    expect(await world.queue.getWaitingCount()).toBe(20);
  });
});

describe('whatever happens', () => {
  const CAP = 2;

  /** Does what a seed says: adds, takes, ends, twice at times, kills workers, loses keys, removes jobs. */
  async function explore(seed: number): Promise<{ most: number; ended: number; left: string[] }> {
    const random = randomOf(seed);
    await world.lanes.setLimits('a', { max_running: CAP });
    const running: TakenJob[] = [];
    const stalled: TakenJob[] = [];
    let [most, ended] = [0, 0];
    const capped = (): number => [...running, ...stalled].filter((one) => whose(one) === 'a').length;
    const steps: Record<string, () => Promise<void>> = {
      add: async () =>
        void (await world.submit(random() < 0.7 ? 'a' : 'b', random() < 0.3 ? { key: 'k' } : {})),
      'add past the lanes': async () => void (await world.addDirectly(random() < 0.7 ? 'a' : 'b')),
      take: async () => {
        const taken = await world.takeOne();
        if (taken) running.push(taken);
        most = Math.max(most, capped());
      },
      end: async () => {
        const taken = running.shift();
        if (!taken) return;
        await world.end(taken, random() * 500);
        if (random() < 0.2) world.lanes.noteEnded(taken.job.id!, taken.lane.organization, 'w1', 1);
        ended += 1;
      },
      'kill a worker': async () => {
        const taken = running.pop();
        if (taken) stalled.push(taken);
        return Promise.resolve();
      },
      'come back': async () => {
        const taken = stalled.shift();
        if (!taken) return;
        const reply = await world.lanes.take(taken.job.id!, taken.lane, 'w1', false);
        expect(reply).toBe('go');
        running.push(taken);
      },
      'remove one': async () => {
        const all = await world.client.zrange(world.queue.toKey('prioritized'), '0', '-1');
        if (all.length === 0) return;
        const id = pick(random, all);
        const place = await world.client.hget(`${world.lanes.base}:places`, id);
        await world.queue.remove(id);
        // What was chosen before it was on the queue may still come, for some seconds.
        if (random() < 0.5 || place?.includes('"n":true')) world.lanes.noteRemoved(id, 'a');
      },
      beat: async () => void (await world.beat(4)),
      promote: () => world.queue.promoteJobs(),
    };
    const names = Object.keys(steps);
    for (let step = 0; step < 120; step++) await steps[pick(random, [...names, 'add', 'take', 'end'])]!();
    for (let rounds = 0; rounds < 200; rounds++) {
      while (stalled.length > 0) await steps['come back']!();
      await steps['take']!();
      await steps['end']!();
      if (running.length > 0) continue;
      if ((await world.keys()).length === 0) break;
      // What was removed from a lane may still come, for some seconds more than a test has.
      await world.client.hset(`${world.lanes.base}:state`, 'old', 2 ** 33);
      await world.beat(4);
    }
    return { most, ended, left: await world.keys() };
  }

  it.each([1, 2, 3, 4, 5, 6])('a cap holds and no place is lost (seed %i)', async (seed) => {
    const { most, ended, left } = await explore(seed);
    expect(most).toBeLessThanOrEqual(CAP);
    expect(ended).toBeGreaterThan(5);
    expect(left).toEqual([]);
  });
});
