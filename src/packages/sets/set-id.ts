import { sha256 } from '../../lib/sha256.js';
import { type PackageSpec, canonicalText } from '../package-spec.js';

/** What installed packages depend on beside their specs: native parts fit one of these only. */
export interface Platform {
  nodeMajor: number;
  os: string;
  arch: string;
}

export const thisPlatform = (): Platform => ({
  nodeMajor: Number.parseInt(process.versions.node, 10),
  os: process.platform,
  arch: process.arch,
});

const ID_CHARS = 32;

/** Content address of a package set: the same specs in any order, for the same Node and machine, give the same id. */
export function packageSetId(specs: readonly PackageSpec[], platform: Platform): string {
  const canonical = JSON.stringify([
    specs.map(canonicalText).toSorted(),
    platform.nodeMajor,
    platform.os,
    platform.arch,
  ]);
  return sha256(canonical).slice(0, ID_CHARS);
}
