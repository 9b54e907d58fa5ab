import { describe, expect, it } from '@jest/globals';
import type { PackagesOverview, PackagesStatus } from '../../contract/packages.js';
import { rolloutLine, rolloutOf } from './packages-rollout.js';

const aStatus = (changes: Partial<PackagesStatus>): PackagesStatus => ({
  state: 'ready',
  set: 's',
  wanted: 's',
  manifest_hash: 'new',
  installed: [],
  failed: [],
  progress: 1,
  updated_at: '2026-01-01T00:00:00.000Z',
  ...changes,
});

const overviewOf = (
  statuses: (Partial<PackagesStatus> | null)[],
  changes: Partial<PackagesOverview> = {},
): PackagesOverview => ({
  content: 'lodash',
  hash: 'new',
  problem: null,
  packages: [{ name: 'lodash', range: 'latest', line: 1 }],
  refused: [],
  workers: statuses.map((status, at) => ({ worker_id: `w${at}`, status: status && aStatus(status) })),
  ...changes,
});

const failed = [{ spec: 'x@1', reason: 'no', phase: 'install' as const }];

describe('a rollout', () => {
  it('is not done by workers that know only the manifest before, or have said nothing', () => {
    const before = { manifest_hash: 'old', failed };
    expect(rolloutOf(overviewOf([before, null]))).toEqual({ done: 0, workers: 2, failing: 0, progress: 0 });
  });

  it('counts what installs by its progress and what has failed as done', () => {
    const installing = { state: 'installing' as const, progress: 0.5 };
    expect(rolloutOf(overviewOf([installing, { failed }, { state: 'failed' }, {}]))).toEqual({
      done: 3,
      workers: 4,
      failing: 2,
      progress: 3.5 / 4,
    });
  });

  it('of a manifest without packages is done by those that run without', () => {
    const nothing = { content: null, hash: null, packages: [] };
    const none = { state: 'none' as const, manifest_hash: null };
    // A start that could not read the manifest has no hash either.
    expect(rolloutOf(overviewOf([none, { ...none, state: 'failed' }], nothing)).done).toBe(1);
  });

  it('without workers is done', () => {
    expect(rolloutOf(overviewOf([]))).toEqual({ done: 0, workers: 0, failing: 0, progress: 1 });
  });
});

describe('rolloutLine', () => {
  it('shows a bar of constant width, and 100 % only at the end', () => {
    const lines = [0, 0.5, 0.999].map((progress) =>
      rolloutLine({ done: 1, workers: 2, failing: 0, progress }),
    );
    expect(lines).toEqual([
      'installing [------------------------] 0 %, 1 of 2 workers done',
      'installing [############------------] 50 %, 1 of 2 workers done',
      'installing [########################] 99 %, 1 of 2 workers done',
    ]);
    expect(rolloutLine({ done: 2, workers: 2, failing: 1, progress: 1 })).toBe(
      'installed [########################] 100 %, 2 of 2 workers done, 1 with failures',
    );
  });
});
