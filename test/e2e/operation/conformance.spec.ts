import { describe, expect, it } from '@jest/globals';
import { parseSettings } from '../../../src/config/settings.js';
import { PRESET_NAMES } from '../../../src/config/presets.js';
import { checkConformance } from '../../../src/conformance/kit.js';
import type { ConformanceReport } from '../../../src/contract/clients/conformance-report.js';
import { startCommand } from '../../support/processes/command.js';
import { useWorkers } from '../../support/processes/worker-process.js';
import { EditingProxy } from '../../support/servers/editing-proxy.js';
import { useRedis } from '../../support/servers/test-redis.js';

const LIMIT_MS = 120_000;
const redis = useRedis();
const startWorker = useWorkers();

const failures = ({ checks }: ConformanceReport): string[] =>
  checks.filter(({ outcome }) => outcome === 'failed').map(({ name, detail }) => `${name}: ${detail}`);

const check = (env: Record<string, string>): Promise<ConformanceReport> =>
  checkConformance(parseSettings({ REDIS_URL: redis.url, ...env }), LIMIT_MS);

describe('bifrost conformance', () => {
  it('passes for a worker without a preset, and fails when a document lacks a field', async () => {
    const worker = await startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '2' } });
    const command = await startCommand(['conformance', '--redis', redis.url, '--json']).ended;
    expect(command).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(command.stdout) as ConformanceReport;
    expect([failures(report), report.ok]).toEqual([[], true]);

    for (const [field, complaint] of [
      ['executionTimeMs', 'task-result: executionTimeMs:'],
      ['logs_truncated', 'execution-result: logs_truncated:'],
      ['isolation', 'worker-record: isolation is missing'],
      ['heartbeat_at', 'worker-record: heartbeat_at:'],
      ['obeyed', 'control-answer: obeyed:'],
    ] as const) {
      const proxy = await EditingProxy.start(redis.url, field);
      try {
        const edited = await check({ REDIS_URL: proxy.url });
        expect(edited.ok).toBe(false);
        expect(failures(edited).join('\n')).toContain(complaint);
        expect(proxy.edited).toBeGreaterThan(0);
      } finally {
        await proxy.stop();
      }
    }
    await worker.stop();
  });

  it.each(PRESET_NAMES)('passes for the preset %s', async (PRESET) => {
    const worker = await startWorker({ env: { REDIS_URL: redis.url, PRESET, KEY_PREFIX: `${PRESET}:` } });
    const report = await check({ PRESET, KEY_PREFIX: `${PRESET}:` });
    expect([failures(report), report.ok, report.preset]).toEqual([[], true, PRESET]);
    await worker.stop();
  });

  it('says what is wrong where no worker is alive, and tries nothing else', async () => {
    const settings = parseSettings({ REDIS_URL: redis.url, KEY_PREFIX: 'empty:' });
    const report = await checkConformance(settings, 200);
    expect(failures(report)).toEqual([
      expect.stringContaining('the id of a worker in empty:bifrost:workers did not come'),
    ]);
    expect(new Set(report.checks.slice(1).map(({ outcome }) => outcome))).toEqual(new Set(['skipped']));
  });

  it.each([
    [['--redis', 'nonsense'], 2, 'REDIS_URL: must start with'],
    [['--redis', 'redis://x', '--preset', 'other'], 2, 'PRESET'],
    [['--redis', 'redis://x', '--timeout', 'soon'], 2, '--timeout must be a number'],
    [[], 2, 'Which Redis?'],
  ])('refuses %j', async (args, code, said) => {
    const ended = await startCommand(['conformance', ...args]).ended;
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toContain(said);
  });
});
