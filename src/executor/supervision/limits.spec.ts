import { expect, it } from '@jest/globals';
import { runnerSettings } from '../../config/slices.js';
import { settingsOf } from '../../../test/support/parts.js';
import { runLimitsOf } from './limits.js';

const BOUNDS = { memoryMb: 64, outputBytes: 1_000, networkAllow: null, withoutAddons: false };
const settings = (env: Record<string, string> = {}) =>
  runnerSettings.of(settingsOf({ MEMORY_LIMIT_MB: '256', OUTPUT_LIMIT_BYTES: '50000', ...env }));

it('narrows the limits of the worker by those of an organization, and never widens them', () => {
  expect(runLimitsOf(settings(), { timeoutMs: 5, bounds: BOUNDS })).toMatchObject({
    timeoutMs: 5,
    spentMs: 0,
    memoryMb: 64,
    outputBytes: 1_000,
  });
  const wide = { ...BOUNDS, memoryMb: 1_024, outputBytes: 1_000_000 };
  for (const bounds of [wide, { ...BOUNDS, memoryMb: null, outputBytes: null }, undefined])
    expect(runLimitsOf(settings(), { timeoutMs: 5, bounds })).toMatchObject({
      memoryMb: 256,
      outputBytes: 50_000,
    });
});

it('leaves the memory of threads to their host', () => {
  const threads = settings({ RUNNER: 'thread', TRUSTED_CODE: 'true' });
  expect(runLimitsOf(threads, { timeoutMs: 5, bounds: BOUNDS })).toMatchObject({
    memoryMb: 256,
    outputBytes: 1_000,
  });
});
