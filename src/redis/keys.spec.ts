import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { RedisKeys } from './keys.js';

/** The slot that ioredis computes; its own dependency, so that both agree on what a hash tag is. */
const slotOf = createRequire(createRequire(import.meta.url).resolve('ioredis'))('cluster-key-slot') as (
  key: string,
) => number;

describe('RedisKeys', () => {
  it('has the names of the contract', () => {
    const keys = new RedisKeys('');
    expect([
      keys.context('e1'),
      keys.result('e1'),
      keys.logs('e1'),
      keys.workerRecord('w1'),
      keys.workers(),
      keys.heartbeat('w1'),
      keys.workerType('w1'),
      keys.workerStats('w1'),
      keys.workspaceCurrent(),
      keys.workspaceGeneration(7),
      keys.workspaceBlob('ab'),
      keys.workspaceChanged(),
      keys.requirements(),
      keys.requirementsChanged(),
      keys.cancelChannel(),
      keys.controlChannel('all'),
    ]).toEqual([
      'bifrost:exec:e1:context',
      'bifrost:exec:e1:result',
      'bifrost:logs:e1',
      'bifrost:worker:w1',
      'bifrost:workers',
      'worker:w1:heartbeat',
      'worker:w1:type',
      'worker:w1:stats',
      'bifrost:workspace:current',
      'bifrost:workspace:7',
      'bifrost:workspace:blob:ab',
      'bifrost:workspace:changed',
      'bifrost:requirements:content',
      'bifrost:requirements:changed',
      'bifrost:cancel',
      'bifrost:worker:all:control',
    ]);
  });

  it('puts the prefix before every key', () => {
    const keys = new RedisKeys('prod:');
    const all = Object.values(keys).filter((value) => typeof value === 'function') as ((
      id: string,
    ) => string)[];
    expect(all.length).toBeGreaterThan(15);
    for (const key of all) expect(key('x')).toMatch(/^\{?prod:/);
  });

  describe('on Redis Cluster', () => {
    it.each(['', 'prod:', '{bifrost}:'])('keeps ledger and result in one slot, prefix "%s"', (prefix) => {
      const keys = new RedisKeys(prefix);
      for (const id of ['a', '4711', 'with{brace', 'with-dash', '{tag}:7', 'a:b']) {
        expect([id, slotOf(keys.ledger(id))]).toEqual([id, slotOf(keys.result(id))]);
        expect(keys.ledger(id)).not.toBe(keys.result(id));
      }
    });

    it('spreads executions over slots', () => {
      const keys = new RedisKeys('');
      const slots = new Set(Array.from({ length: 100 }, (_, n) => slotOf(keys.result(`e${n}`))));
      expect(slots.size).toBeGreaterThan(90);
    });
  });
});
