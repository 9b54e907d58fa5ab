import { describe, expect, it } from '@jest/globals';
import { type CampaignReport, findingsOf } from '../../../src/contract/clients/faults-report.js';
import { startCommand } from '../../support/processes/command.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();

describe('bifrost faults', () => {
  it('runs a campaign with workers of its own, passes, and leaves nothing in Redis', async () => {
    const client = redis.connect();
    await client.set('mine', '1');
    const args = [
      '--redis',
      redis.url,
      '--executions',
      '12',
      '--workers',
      '1',
      '--seed',
      '5',
      '--break',
      'true',
    ];
    const { code, stdout, stderr } = await startCommand(['faults', ...args, '--json']).ended;
    expect(stderr).toContain('seed 5: 12 executions on 1 worker\n');
    const report = JSON.parse(stdout) as CampaignReport;
    expect(findingsOf(report)).toEqual({});
    expect(report.executions).toBe(12);
    expect(Object.values(report.ends).reduce((sum, count) => sum + count, 0)).toBe(12);
    expect(code).toBe(0);
    expect(await client.keys('*')).toEqual(['mine']);
  });

  it.each([
    [
      ['--redis', 'nonsense'],
      3,
      '--redis, or REDIS_URL, must be redis://[user:password@]host[:port][/database]',
    ],
    [['--redis', 'redis://127.0.0.1:1'], 3, 'ECONNREFUSED'],
    [['--redis', 'redis://x', '--workers', '0'], 2, '--workers must be a whole number from 1 to 32, not 0'],
    [['--redis', 'redis://x', '--seed', 'x'], 2, '--seed must be a whole number'],
    [[], 2, 'Which Redis?'],
  ])('refuses %j', async (args, code, said) => {
    const ended = await startCommand(['faults', ...args]).ended;
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toContain(said);
  });
});
