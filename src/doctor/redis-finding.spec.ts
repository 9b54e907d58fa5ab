import { describe, expect, it } from '@jest/globals';
import { factsOf, judgeEmbedded, judgeRedis } from './redis-finding.js';

const GOOD = { version: '7.0.15', policy: 'noeviction', appendOnly: true };

describe('what the doctor says of Redis', () => {
  it('reads INFO', () => {
    const info = '# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n';
    expect(factsOf(info)).toEqual({ version: '7.0.15', policy: 'allkeys-lru', appendOnly: true });
  });

  it.each([
    [GOOD, 'ok'],
    [{ ...GOOD, version: '6.2.0' }, 'ok'],
    [{ ...GOOD, version: '6.0.16' }, 'failed'],
    [{ ...GOOD, version: '5.0.7' }, 'failed'],
    [{ ...GOOD, policy: 'allkeys-lru' }, 'warning'],
    [{ ...GOOD, appendOnly: false }, 'warning'],
  ])('%j is %s', (facts, state) => {
    expect(judgeRedis(facts).state).toBe(state);
  });

  it('needs a redis-server without REDIS_URL', () => {
    expect([judgeEmbedded(undefined).state, judgeEmbedded('/usr/bin/redis-server').state]).toEqual([
      'failed',
      'warning',
    ]);
  });
});
