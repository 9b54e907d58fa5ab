import { describe, expect, it } from '@jest/globals';
import { parseSettings } from './settings.js';
import {
  archiveSettings,
  compilerSettings,
  executionSettings,
  packagesSettings,
  resultSettings,
  runnerSettings,
  SLICES,
  workerSettings,
} from './slices.js';

const settings = parseSettings({
  WORKER_ID: 'w1',
  QUEUE_NAME: 'work',
  KEY_PREFIX: 'acme:',
  DRAIN_TIMEOUT_SECONDS: '1.5',
  DEFAULT_TIMEOUT_SECONDS: '2',
  MAX_TIMEOUT_SECONDS: '3',
  ARCHIVE_RETENTION_DAYS: '2',
  PACKAGES_KEEP_DAYS: '0.5',
  PACKAGES_DIR: '/packages',
  PACKAGES_INSTALL_TIMEOUT_SECONDS: '4',
  COMPILE_CPU_SECONDS: '0.25',
  SCRATCH_LIMIT_MB: '2',
  RUNNER_MAX_AGE_SECONDS: '5',
  CANCEL_GRACE_SECONDS: '6',
  CPU_LIMIT_SECONDS: '7',
  NETWORK: 'proxy',
  NETWORK_TRANSFER_LIMIT_MB: '3',
  NETWORK_IDLE_SECONDS: '8',
  JOB_SIGNING_KEY: `${'a'.repeat(32)},${'b'.repeat(32)}`,
});

describe('the slices of the settings', () => {
  it('have names of their own, by which they are injected', () => {
    expect(new Set(SLICES.map(({ KEY }) => KEY)).size).toBe(SLICES.length);
  });

  it('are in milliseconds and bytes', () => {
    expect(workerSettings.of(settings)).toMatchObject({ id: 'w1', queue: 'work', drainTimeoutMs: 1500 });
    expect(executionSettings.of(settings)).toMatchObject({
      defaultTimeoutMs: 2000,
      maxTimeoutMs: 3000,
      signingKeys: ['a'.repeat(32), 'b'.repeat(32)],
      network: 'proxy',
    });
    expect(archiveSettings.of(settings).retentionMs).toBe(172_800_000);
    expect(packagesSettings.of(settings)).toMatchObject({ keepMs: 43_200_000, installTimeoutMs: 4000 });
    expect(compilerSettings.of(settings)).toMatchObject({
      cpuLimitMs: 250,
      isolation: { levels: ['namespace', 'process'], askedBy: 'ISOLATION', scratchBytes: 2_097_152 },
    });
    expect(runnerSettings.of(settings)).toMatchObject({
      maxAgeMs: 5000,
      limits: { cancelGraceMs: 6000, cpuMs: 7000 },
      outlet: { limits: { transferBytes: 3_145_728, idleMs: 8000 } },
      packageSets: '/packages/sets',
    });
  });

  it('have one level where packages may load native code', () => {
    const native = parseSettings({ NATIVE_ADDONS: 'on' });
    expect(runnerSettings.of(native)).toMatchObject({
      nativeAddons: true,
      isolation: { levels: ['namespace'], askedBy: 'NATIVE_ADDONS' },
    });
  });

  it('have one value for what is without a limit', () => {
    const forEver = parseSettings({ ARCHIVE_RETENTION_DAYS: '0' });
    expect(archiveSettings.of(forEver).retentionMs).toBeNull();
    expect(runnerSettings.of(forEver)).toMatchObject({ limits: { cpuMs: null }, outlet: null });
  });

  it('name the queue of the results and the prefix of BullMQ', () => {
    expect(resultSettings.of(settings)).toMatchObject({ queue: 'work-results', bullPrefix: 'acme:bull' });
    const cluster = parseSettings({ REDIS_URL: 'redis+cluster://h:1' });
    expect(resultSettings.of(cluster).bullPrefix).toBe('{bull}');
  });
});
