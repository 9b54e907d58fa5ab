import { beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorReport } from '../../../src/contract/doctor-report.js';
import { ATTACK_NAMES } from '../../../src/boundary/self-test.js';
import { requireFreshBuild } from '../../support/processes/built-worker.js';
import { type CommandResult, startCommand } from '../../support/processes/command.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
beforeAll(requireFreshBuild);

const doctor = (env: Record<string, string>, ...args: string[]): Promise<CommandResult> =>
  startCommand(['doctor', ...args], { ROLES: 'worker,api', ...env }).ended;
const stateOf = ({ findings }: DoctorReport, name: string): string | undefined =>
  findings.find((finding) => finding.name === name)?.state;

describe('bifrost doctor', () => {
  it('finds everything that was asked for, with every check of the isolation', async () => {
    const { code, stdout, stderr } = await doctor(
      { REDIS_URL: redis.url, ISOLATION: 'namespace', ISOLATION_REQUIRED_GRADE: 'A' },
      '--json',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report).toMatchObject({
      ok: true,
      isolation: { level: 'namespace', grade: 'A', network: 'none' },
    });
    const names = report.isolation?.checks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...ATTACK_NAMES, 'system-calls', 'namespaces']));
  });

  it('prints a table, and what to do', async () => {
    const { code, stdout } = await doctor({ REDIS_URL: redis.url });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^node +ok +v26/m);
    expect(stdout).toMatch(/^redis +\w+ +\d+\.\d+\.\d+, maxmemory-policy \w+/m);
    expect(stdout).toMatch(/^isolation +ok +level \w+, grade [AB], network none$/m);
    expect(stdout).toMatch(/^worker-memory +read the memory of the worker in \/proc +held +kernel /m);
  });

  it('fails for a level that is named and does not work, with the reason and what helps', async () => {
    const noPrograms = mkdtempSync(join(tmpdir(), 'bifrost-doctor-'));
    const { code, stdout } = await doctor(
      { REDIS_URL: redis.url, ISOLATION: 'namespace', PATH: noPrograms },
      '--json',
    );
    const report = JSON.parse(stdout) as DoctorReport;
    expect([code, report.ok, stateOf(report, 'isolation')]).toEqual([1, false, 'failed']);
    expect(report.findings.find(({ name }) => name === 'isolation')?.detail).toMatch(
      /namespace does not work here: there is no bwrap.*install bubblewrap/,
    );
  });

  it('reports the grade that auto gets without namespaces, and why', async () => {
    const noPrograms = mkdtempSync(join(tmpdir(), 'bifrost-doctor-'));
    const { code, stdout } = await doctor({ REDIS_URL: redis.url, PATH: noPrograms }, '--json');
    const report = JSON.parse(stdout) as DoctorReport;
    expect([code, report.isolation?.level, stateOf(report, 'isolation')]).toEqual([0, 'process', 'warning']);
    expect(report.passed_over.join()).toContain('there is no bwrap');
  });

  it('fails without its Redis, and for settings that cannot be used', async () => {
    const [away, wrong] = await Promise.all([
      doctor({ REDIS_URL: 'redis://127.0.0.1:1', ROLES: 'api' }),
      doctor({ REDIS_URL: redis.url, CONCURRENCY: 'many' }),
    ]);
    expect([away.code, wrong.code]).toEqual([1, 1]);
    expect(away.stdout).toMatch(/^redis +failed +it does not answer: .*ECONNREFUSED/m);
    expect(wrong.stdout).toMatch(/^settings +failed +CONCURRENCY: /m);
  });
});
