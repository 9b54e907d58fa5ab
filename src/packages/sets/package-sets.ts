import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstalledPackage, PackageFailure } from '../../contract/packages.js';
import type { ImportChecker, ImportFailure } from '../install/import-check.js';
import {
  failure,
  type InstallResult,
  installTogether,
  type InstallWork,
  probeEach,
} from '../install/install-plan.js';
import { InstallProgress } from '../install/install-progress.js';
import { removeTree } from './folder-tree.js';
import { acquireLock } from './machine-lock.js';
import type { ManifestEntry } from '../manifest.js';
import { NpmInstaller, type NpmSettings } from '../install/npm-installer.js';
import { canonicalText, satisfies, specText } from '../package-spec.js';
import type { SetFolders, SetRecord } from './set-folders.js';
import { packageSetId, thisPlatform } from './set-id.js';

/** What a machine has of a manifest. */
export interface SetOutcome {
  /** Null when nothing of it could be installed. */
  set: { id: string; dir: string; installed: readonly InstalledPackage[] } | null;
  failed: readonly PackageFailure[];
  /** When packages that failed to install were last tried, in milliseconds since the epoch; null: none failed. */
  triedAtMs: number | null;
}

export interface EnsureOptions {
  signal: AbortSignal;
  /** 0 to 1 */
  onProgress: (fraction: number) => void;
  /** Try again what failed to install before; otherwise a known outcome is returned as it is. */
  retry?: boolean;
}

/** The id under which a manifest is looked for; what part of it could be installed has an id of its own. */
export const wantedSetId = (entries: readonly ManifestEntry[]): string =>
  packageSetId(entries, thisPlatform());

/**
 * The package sets of this machine.
 *
 * 1. A set that is there is used as it is; nothing is installed.
 * 2. Otherwise one process of the machine installs it, in a staging folder; the others wait for it.
 * 3. What was installed is compared with what was asked for, imported once, made read-only, and renamed into place.
 * 4. When not everything installs, the rest becomes a set of its own, and an outcome remembers what is missing.
 */
export class PackageSets {
  constructor(
    private readonly folders: SetFolders,
    private readonly npm: NpmSettings,
    private readonly checker: ImportChecker,
    /** Packages may load native code, so that those which need it are not at fault. */
    private readonly nativeAddons: boolean,
  ) {}

  /** What is there already for these packages, without starting npm; null when they were never installed. */
  async find(entries: readonly ManifestEntry[]): Promise<SetOutcome | null> {
    const wanted = wantedSetId(entries);
    const complete = await this.readIntact(wanted);
    if (complete) return this.outcomeOf(complete, [], null, entries);
    const known = await this.folders.readOutcome(wanted);
    if (known === null) return null;
    const partial = known.set === null ? null : await this.readIntact(known.set);
    if (known.set !== null && partial === null) return null;
    return this.outcomeOf(partial, known.failed, known.at_ms, entries);
  }

  /**
   * Finds or installs the set of these packages. Failing packages are part of the outcome.
   * @throws {NpmMissingError} without npm, an Error when the disk fails, the signal's reason when aborted
   */
  async ensure(entries: readonly ManifestEntry[], options: EnsureOptions): Promise<SetOutcome> {
    const wanted = wantedSetId(entries);
    const startedMs = Date.now();
    const lock = await acquireLock(this.folders.lockFile(wanted), options.signal);
    try {
      const known = await this.find(entries);
      const fresh = known !== null && (known.triedAtMs === null || known.triedAtMs >= startedMs);
      if (known !== null && (fresh || !options.retry)) return known;
      return await this.install(wanted, entries, known, options);
    } finally {
      await lock.release();
    }
  }

  private async install(
    wanted: string,
    entries: readonly ManifestEntry[],
    known: SetOutcome | null,
    options: EnsureOptions,
  ): Promise<SetOutcome> {
    const staging = await this.folders.openStaging();
    try {
      const npm = await NpmInstaller.open(this.npm, join(staging, 'home'), options.signal);
      const progress = new InstallProgress(options.onProgress);
      const work: InstallWork = {
        npm,
        folderOf: (name) => join(staging, name),
        signal: options.signal,
        phaseMs: this.npm.timeoutMs,
        progress,
      };
      progress.advance(0.05);
      const stillFailed = await stillFailing(entries, known, work);
      if (stillFailed) {
        await this.remember(wanted, known?.set?.id ?? null, stillFailed);
        return {
          set: known?.set ?? null,
          failed: [...stillFailed, ...importFailures(known)],
          triedAtMs: Date.now(),
        };
      }
      const result = await verify(await installTogether(entries, work));
      return await this.complete(wanted, entries, result, options);
    } finally {
      await removeTree(staging);
    }
  }

  private async complete(
    wanted: string,
    entries: readonly ManifestEntry[],
    result: VerifiedResult,
    options: EnsureOptions,
  ): Promise<SetOutcome> {
    if (result.folder === null) {
      await this.remember(wanted, null, result.failed);
      return { set: null, failed: result.failed, triedAtMs: Date.now() };
    }
    const id = wantedSetId(result.good);
    const record = (await this.readIntact(id)) ?? (await this.publish(id, result.folder, result, options));
    if (result.failed.length === 0) await this.folders.removeOutcome(wanted);
    else await this.remember(wanted, id, result.failed);
    return this.outcomeOf(record, result.failed, result.failed.length === 0 ? null : Date.now(), entries);
  }

  private async publish(
    id: string,
    folder: string,
    result: VerifiedResult,
    options: EnsureOptions,
  ): Promise<SetRecord> {
    // npm's own record names the registry; user code has no business with it.
    await rm(join(folder, 'node_modules', '.package-lock.json'), { force: true });
    options.onProgress(0.85);
    let checked = 0;
    const names = result.good.map((entry) => entry.name);
    const unusable = await this.checker.check(folder, names, options.signal, () => {
      checked += 1;
      options.onProgress(0.85 + (0.14 * checked) / names.length);
    });
    await this.folders.removeDamaged(id);
    return await this.folders.publish(folder, {
      id,
      specs: result.good.map(canonicalText),
      installed: [...result.installed],
      not_importable: importFailuresOf(result.good, unusable, false),
      needing_addons: importFailuresOf(result.good, unusable, true),
      node: process.version,
      created_at: new Date().toISOString(),
    });
  }

  /** The record of a complete set that still has what its record says; a damaged one is as good as none. */
  private async readIntact(id: string): Promise<SetRecord | null> {
    const record = await this.folders.readSet(id);
    if (record === null) return null;
    const dir = this.folders.setDir(id);
    for (const { name, version } of record.installed) {
      if ((await installedVersion(dir, name)) !== version) return null;
    }
    return record;
  }

  private async remember(
    wanted: string,
    set: string | null,
    failed: readonly PackageFailure[],
  ): Promise<void> {
    await this.folders.writeOutcome(wanted, { set, failed: [...failed], at_ms: Date.now() });
  }

  private outcomeOf(
    record: SetRecord | null,
    failed: readonly PackageFailure[],
    triedAtMs: number | null,
    entries: readonly ManifestEntry[],
  ): SetOutcome {
    // Lines are those of the manifest at hand; the set may have been installed for another one.
    const lines = new Map(entries.map((entry) => [entry.name, entry.line]));
    const withoutAddons = this.nativeAddons ? [] : (record?.needing_addons ?? []);
    const all = [...failed, ...(record?.not_importable ?? []), ...withoutAddons];
    return {
      set: record && { id: record.id, dir: this.folders.setDir(record.id), installed: record.installed },
      failed: all.map((one) => ({ ...one, line: lines.get(nameOf(one.spec)) ?? one.line })),
      triedAtMs,
    };
  }
}

const importFailuresOf = (
  entries: readonly ManifestEntry[],
  unusable: ReadonlyMap<string, ImportFailure>,
  needsAddon: boolean,
): PackageFailure[] =>
  entries.flatMap((entry) => {
    const found = unusable.get(entry.name);
    return found?.needsAddon === needsAddon
      ? [{ spec: specText(entry), reason: found.reason, phase: 'import' as const }]
      : [];
  });

interface VerifiedResult extends InstallResult {
  installed: readonly InstalledPackage[];
}

/** Believes the disk, not npm's exit code. */
async function verify(result: InstallResult): Promise<VerifiedResult> {
  const { folder } = result;
  if (folder === null) return { ...result, installed: [] };
  const good: ManifestEntry[] = [];
  const installed: InstalledPackage[] = [];
  const failed = [...result.failed];
  for (const entry of result.good) {
    const version = await installedVersion(folder, entry.name);
    if (version !== null && satisfies(entry, version)) {
      good.push(entry);
      installed.push({ name: entry.name, version });
    } else {
      const found = version === null ? 'it is not there' : `version ${version} is there`;
      failed.push(failure(entry, `npm reported success, but ${found}`));
    }
  }
  return { good, failed, installed, folder: good.length === 0 ? null : folder };
}

async function installedVersion(folder: string, name: string): Promise<string | null> {
  try {
    const text = await readFile(join(folder, 'node_modules', ...name.split('/'), 'package.json'), 'utf8');
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

const importFailures = (known: SetOutcome | null): PackageFailure[] =>
  (known?.failed ?? []).filter((one) => one.phase === 'import');

/** On a second try only what failed is tried; returns the new failures when none of it works now, else null. */
async function stillFailing(
  entries: readonly ManifestEntry[],
  known: SetOutcome | null,
  work: InstallWork,
): Promise<PackageFailure[] | null> {
  if (known?.set == null) return null;
  const missing = new Set(
    known.failed.filter((one) => one.phase === 'install').map((one) => nameOf(one.spec)),
  );
  const again = await probeEach(
    entries.filter((entry) => missing.has(entry.name)),
    work,
  );
  return again.good.length > 0 ? null : [...again.failed];
}

const nameOf = (spec: string): string => spec.slice(0, spec.indexOf('@', 1));
