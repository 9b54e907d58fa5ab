import type { PackageFailure } from '../contract/packages.js';
import { type ManifestEntry, parseManifest } from './manifest.js';
import type { ManifestReading } from './packages.store.js';
import { wantedSetId } from './sets/package-sets.js';

/**
 * What a reading of the manifest asks of this worker.
 * none     run without packages
 * keep     the manifest cannot be used; go on with what there is, and say why
 * install  have these packages
 */
export type ManifestPlan =
  | { kind: 'none'; key: string; hash: string | null }
  | { kind: 'keep'; key: string; hash: string | null; failed: readonly PackageFailure[] }
  | {
      kind: 'install';
      key: string;
      hash: string | null;
      wanted: string;
      entries: readonly ManifestEntry[];
      refused: readonly PackageFailure[];
    };

/** Decides what a reading asks for. Pure. Plans with the same `key` ask for the same and report the same. */
export function planOf(reading: ManifestReading, maxSpecs: number): ManifestPlan {
  if (reading.kind === 'absent') return { kind: 'none', key: 'none', hash: null };
  if (reading.kind === 'unreadable') {
    const reason = `the manifest ${reading.reason}`;
    return {
      kind: 'keep',
      key: `unreadable ${reason}`,
      hash: null,
      failed: [{ spec: 'manifest', reason, phase: 'manifest' }],
    };
  }
  const hash = reading.manifest.hash || null;
  const key = JSON.stringify([hash, reading.manifest.content]);
  const { entries, refused } = parseManifest(reading.manifest.content, maxSpecs);
  if (entries.length > 0) {
    return { kind: 'install', key, hash, wanted: wantedSetId(entries), entries, refused };
  }
  return refused.length > 0 ? { kind: 'keep', key, hash, failed: refused } : { kind: 'none', key, hash };
}
