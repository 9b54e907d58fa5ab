import type { PackageFailure } from '../../contract/packages.js';
import { removeTree } from '../sets/folder-tree.js';
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
  /** 0 to 1 */
  onProgress: (fraction: number) => void;
}

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
 * Installs everything at once; when that fails, tries each package alone and installs together what
 * works alone. Packages that only fail together are found by adding one after the other.
 */
export async function installTogether(
  entries: readonly ManifestEntry[],
  work: InstallWork,
): Promise<InstallResult> {
  const folder = work.folderOf('batch');
  const batch = await work.npm.install(folder, entries, { signal: work.signal });
  if (batch.ok) return { good: entries, failed: [], folder };
  if (entries.length === 1) return allFailed(entries, batch.reason);
  work.onProgress(0.2);
  const alone = await probeEach(entries, work);
  const together = await installGood(alone.good, work);
  return { ...together, failed: [...alone.failed, ...together.failed] };
}

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
      work.onProgress(0.2 + (0.6 * (good.size + reasons.size)) / entries.length);
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

async function installGood(entries: readonly ManifestEntry[], work: InstallWork): Promise<InstallResult> {
  const first = await installAs('good', entries, work);
  if (first.good.length === entries.length) return first;
  const compatible = await growCompatible(entries, work);
  const last = await installAs('compatible', compatible.good, work);
  return { ...last, failed: [...compatible.failed, ...last.failed] };
}

async function installAs(
  name: string,
  entries: readonly ManifestEntry[],
  work: InstallWork,
): Promise<InstallResult> {
  if (entries.length === 0) return allFailed([], '');
  const folder = work.folderOf(name);
  const outcome = await work.npm.install(folder, entries, { signal: work.signal });
  return outcome.ok ? { good: entries, failed: [], folder } : allFailed(entries, outcome.reason);
}

const allFailed = (entries: readonly ManifestEntry[], reason: string): InstallResult => ({
  good: [],
  failed: entries.map((entry) => failure(entry, reason)),
  folder: null,
});

/** Adds one package after the other; the one that does not go with those before it is left out. */
async function growCompatible(entries: readonly ManifestEntry[], work: InstallWork): Promise<ProbeVerdicts> {
  const endMs = performance.now() + work.phaseMs;
  const good: ManifestEntry[] = [];
  const failed: PackageFailure[] = [];
  for (const entry of entries) {
    const outcome = await work.npm.install(work.folderOf('grow'), [...good, entry], {
      signal: work.signal,
      timeoutMs: endMs - performance.now(),
      dryRun: true,
    });
    if (outcome.ok) good.push(entry);
    else failed.push(failure(entry, `does not go with the packages before it: ${outcome.reason}`));
  }
  return { good, failed };
}
