import type { PackageFailure } from '../../contract/packages.js';
import { removeTree } from '../sets/folder-tree.js';
import type { InstallProgress } from './install-progress.js';
import type { NpmInstaller, NpmOutcome } from './npm-installer.js';
import type { ManifestEntry } from '../manifest.js';
import { specText } from '../package-spec.js';

/** Result of an install: the packages that are now together in `folder`, and those that are not. */
export interface InstallResult extends ProbeVerdicts {
  /** Null when nothing could be installed. */
  folder: string | null;
}

interface ProbeVerdicts {
  good: readonly ManifestEntry[];
  failed: readonly PackageFailure[];
}

export interface InstallWork {
  npm: NpmInstaller;
  /** A folder of its own for each name; made by npm's run. */
  folderOf: (name: string) => string;
  signal: AbortSignal;
  /** Limit of all runs of one phase together. */
  phaseMs: number;
  progress: InstallProgress;
}

/** How far an install is when everything was tried at once, and when parts of it were. */
const BATCH_END = 0.6;
const TRIES_END = 0.8;
const PARALLEL = 2;
/** After this many failures to reach the registry, and no success, the others are not tried. */
const UNREACHABLE_PROBES = 2;
const NOT_TRIED = 'was not tried: the time limit of the install was over';

export const failure = (entry: ManifestEntry, reason: string): PackageFailure => ({
  spec: specText(entry),
  line: entry.line,
  reason,
  phase: 'install',
});

/**
 * Installs everything at once. When that fails, leaves out what npm names as missing and tries again; when it
 * names nothing, finds what does not go with the rest by halves. The number of runs of npm grows with what
 * fails, not with the length of the manifest.
 */
export async function installTogether(
  entries: readonly ManifestEntry[],
  work: InstallWork,
): Promise<InstallResult> {
  const endMs = performance.now() + work.phaseMs;
  const batch = await installWithoutMissing(entries, 'batch', work, endMs);
  if (batch.reason === null || batch.unreachable || batch.left.length === 0) return resultOf(batch);
  if (batch.left.length === 1)
    return resultOf({ ...batch, left: [], failed: [...batch.failed, ...failAll(batch)] });
  const divided = await goesTogether(batch.left, work, endMs, true);
  const good = await installWithoutMissing(divided.good, 'good', work, endMs);
  const failed = [...batch.failed, ...divided.failed, ...good.failed];
  if (good.reason === null || good.left.length === 0) return resultOf({ ...good, failed });
  // Resolving them says nothing against them; fetching them does.
  const fetched = await goesTogether(good.left, work, endMs, false);
  const last = await installWithoutMissing(fetched.good, 'last', work, endMs);
  return resultOf({ ...last, failed: [...failed, ...fetched.failed, ...last.failed, ...failAll(last)] });
}

/** Where an install has come to. */
interface Round {
  folder: string;
  /** Installed, where there is no reason; else what is left to try. */
  left: readonly ManifestEntry[];
  failed: readonly PackageFailure[];
  /** Why the last run failed; null: it did not. */
  reason: string | null;
  unreachable: boolean;
}

/** Installs, and again without those that npm says it cannot get. */
async function installWithoutMissing(
  entries: readonly ManifestEntry[],
  name: string,
  work: InstallWork,
  endMs: number,
): Promise<Round> {
  const folder = work.folderOf(name);
  let left = entries;
  const failed: PackageFailure[] = [];
  for (;;) {
    if (left.length === 0) return { folder, left, failed, reason: null, unreachable: false };
    const outcome = await work.npm.install(folder, left, {
      signal: work.signal,
      timeoutMs: endMs - performance.now(),
      onFetch: work.progress.ofFetches(left.length, BATCH_END),
    });
    if (outcome.ok) return { folder, left, failed, reason: null, unreachable: false };
    const { reason, unreachable } = outcome;
    const missing = unreachable ? [] : left.filter((entry) => isNamedMissing(entry.name, reason));
    if (missing.length === 0) {
      const all = unreachable ? left.map((entry) => failure(entry, reason)) : [];
      return { folder, left: unreachable ? [] : left, failed: [...failed, ...all], reason, unreachable };
    }
    failed.push(...missing.map((entry) => failure(entry, reason)));
    left = left.filter((entry) => !missing.includes(entry));
    work.progress.advance((BATCH_END * failed.length) / entries.length);
  }
}

/** npm names one package that the registry does not have, or not in that version. Pure. */
export function isNamedMissing(name: string, reason: string): boolean {
  const plain = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const encoded = plain.replace('/', '(?:/|%2f)');
  return [
    new RegExp(`(?:^|[\\s'"])${plain}@\\S*['"]? (?:is not in this registry|could not be found)`, 'm'),
    new RegExp(`No matching version found for ${plain}@`),
    new RegExp(`\\b404\\b.*/${encoded}(?:\\s|$|/-/)`, 'im'),
  ].some((pattern) => pattern.test(reason));
}

const resultOf = ({ folder, left, failed, reason }: Round): InstallResult => ({
  good: reason === null ? left : [],
  failed,
  folder: reason === null && left.length > 0 ? folder : null,
});

const failAll = ({ left, reason }: Round): PackageFailure[] =>
  reason === null ? [] : left.map((entry) => failure(entry, reason));

/**
 * The entries that go together, found by halves: a half that goes with those before it is taken as a whole.
 * Of those that exclude each other the first one stays.
 */
async function goesTogether(
  entries: readonly ManifestEntry[],
  work: InstallWork,
  endMs: number,
  dryRun: boolean,
): Promise<ProbeVerdicts> {
  const good: ManifestEntry[] = [];
  const failed: PackageFailure[] = [];
  const add = async (some: readonly ManifestEntry[]): Promise<void> => {
    const leftMs = endMs - performance.now();
    const outcome: NpmOutcome =
      leftMs <= 0
        ? { ok: false, reason: NOT_TRIED, unreachable: false }
        : await work.npm.install(work.folderOf(dryRun ? 'halves' : 'fetched-halves'), [...good, ...some], {
            signal: work.signal,
            timeoutMs: leftMs,
            dryRun,
            onFetch: work.progress.ofFetches(entries.length, TRIES_END),
          });
    if (outcome.ok) good.push(...some);
    else if (leftMs <= 0) failed.push(...some.map((entry) => failure(entry, outcome.reason)));
    else if (some.length === 1)
      failed.push(failure(some[0] as ManifestEntry, togetherReason(good, outcome.reason)));
    else {
      const middle = Math.ceil(some.length / 2);
      await add(some.slice(0, middle));
      await add(some.slice(middle));
    }
    work.progress.advance(
      BATCH_END + ((TRIES_END - BATCH_END) * (good.length + failed.length)) / entries.length,
    );
  };
  const middle = Math.ceil(entries.length / 2);
  // All of them together have just failed.
  await add(entries.slice(0, middle));
  await add(entries.slice(middle));
  return { good: entries.filter((entry) => good.includes(entry)), failed };
}

const togetherReason = (good: readonly ManifestEntry[], reason: string): string =>
  good.length === 0 ? reason : `does not go with the packages before it: ${reason}`;

/** Tries each package in a folder of its own; which of them can be installed? */
export async function probeEach(
  entries: readonly ManifestEntry[],
  work: InstallWork,
): Promise<ProbeVerdicts> {
  const endMs = performance.now() + work.phaseMs;
  const reasons = new Map<ManifestEntry, string>();
  const good = new Set<ManifestEntry>();
  const unreachable: string[] = [];
  const probe = async (entry: ManifestEntry, index: number): Promise<NpmOutcome> => {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return { ok: false, reason: NOT_TRIED, unreachable: false };
    if (unreachable.length >= UNREACHABLE_PROBES && good.size === 0) {
      return { ok: false, reason: unreachable[0] as string, unreachable: true };
    }
    const folder = work.folderOf(`alone-${index}`);
    const outcome = await work.npm.install(folder, [entry], { signal: work.signal, timeoutMs: leftMs });
    await removeTree(folder);
    return outcome;
  };
  const waiting = entries.map((entry, index) => ({ entry, index }));
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const outcome = await probe(next.entry, next.index);
      if (outcome.ok) good.add(next.entry);
      else reasons.set(next.entry, outcome.reason);
      if (!outcome.ok && outcome.unreachable) unreachable.push(outcome.reason);
      work.progress.advance(0.2 + (0.6 * (good.size + reasons.size)) / entries.length);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  return {
    good: entries.filter((entry) => good.has(entry)),
    failed: entries.flatMap((entry) => {
      const reason = reasons.get(entry);
      return reason === undefined ? [] : [failure(entry, reason)];
    }),
  };
}
