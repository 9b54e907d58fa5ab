import { describe, expect, it } from '@jest/globals';
import type { PackageFailure } from '../../contract/packages.js';
import type { ManifestEntry } from '../manifest.js';
import type { PackageSpec } from '../package-spec.js';
import { type InstallWork, installTogether, isNamedMissing } from './install-plan.js';
import { InstallProgress } from './install-progress.js';
import type { NpmInstaller, NpmOutcome } from './npm-installer.js';

const entriesOf = (...names: string[]): ManifestEntry[] =>
  names.map((name, index) => ({ name, range: 'latest', line: index + 1 }));

/** npm, as far as it answers: `judge` decides about the names. */
function plan(judge: (names: readonly string[]) => NpmOutcome): {
  work: InstallWork;
  runs: string[][];
  progress: number[];
} {
  const runs: string[][] = [];
  const progress: number[] = [];
  const install = (_folder: string, specs: readonly PackageSpec[]): Promise<NpmOutcome> => {
    const names = specs.map(({ name }) => name);
    runs.push(names);
    return Promise.resolve(judge(names));
  };
  const work: InstallWork = {
    npm: { install } as unknown as NpmInstaller,
    folderOf: (name) => `/${name}`,
    signal: new AbortController().signal,
    phaseMs: 60_000,
    progress: new InstallProgress((fraction) => progress.push(fraction)),
  };
  return { work, runs, progress };
}

const missing = (name: string): NpmOutcome => ({
  ok: false,
  reason: `code E404\n404 Not Found - GET https://registry.example/${name} - Not found`,
  unreachable: false,
});
const many = Array.from({ length: 40 }, (_, at) => `package-${at}`);
const named = (failed: readonly PackageFailure[]): string[] => failed.map(({ spec }) => spec);

describe('an install', () => {
  it('leaves out what the registry does not have, at the price of one run for each', async () => {
    const gone = ['package-7', 'package-31'];
    const { work, runs, progress } = plan((names) => {
      const first = names.find((name) => gone.includes(name));
      return first === undefined ? { ok: true } : missing(first);
    });
    const result = await installTogether(entriesOf(...many), work);
    expect(named(result.failed)).toEqual(['package-7@latest', 'package-31@latest']);
    expect(result.good).toHaveLength(38);
    expect(runs).toHaveLength(3);
    expect(progress.length).toBeGreaterThanOrEqual(2);
  });

  it('finds what does not go together by halves', async () => {
    const { work, runs } = plan((names) =>
      names.includes('package-3') && names.includes('package-35')
        ? { ok: false, reason: 'code ERESOLVE', unreachable: false }
        : { ok: true },
    );
    const result = await installTogether(entriesOf(...many), work);
    expect(result.failed).toMatchObject([
      { spec: 'package-35@latest', reason: 'does not go with the packages before it: code ERESOLVE' },
    ]);
    expect(result.good).toHaveLength(39);
    expect(runs.length).toBeLessThan(16);
  });

  it('finds what resolves and cannot be fetched', async () => {
    const { work } = plan((names) =>
      names.includes('package-3')
        ? { ok: false, reason: 'code EINTEGRITY', unreachable: false }
        : { ok: true },
    );
    const result = await installTogether(entriesOf('package-1', 'package-3', 'package-5'), work);
    expect(named(result.failed)).toEqual(['package-3@latest']);
    expect(result.good.map(({ name }) => name)).toEqual(['package-1', 'package-5']);
  });

  it('does not go on where the registry does not answer', async () => {
    const { work, runs } = plan(() => ({ ok: false, reason: 'code ECONNREFUSED', unreachable: true }));
    const result = await installTogether(entriesOf(...many), work);
    expect([result.failed.length, result.folder, runs.length]).toEqual([40, null, 1]);
  });

  it.each([
    ['no-such', "404  'no-such@*' is not in this registry.", true],
    ['no-such', "The requested resource 'no-such@1' could not be found", true],
    ['@a/b', '404 Not Found - GET https://r/@a%2fb - Not found', true],
    ['x', 'No matching version found for x@9.', true],
    ['such', "404  'no-such@*' is not in this registry.", false],
    ['no', '404 Not Found - GET https://r/no-such - Not found', false],
    ['x', 'code ERESOLVE: x@1 from the root project', false],
  ])('knows whether %j is missing by %j', (name, reason, isMissing) => {
    expect(isNamedMissing(name, reason)).toBe(isMissing);
  });
});
