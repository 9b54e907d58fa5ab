import {
  type PackageFailure,
  type PackagesOverview,
  packagesOverviewSchema,
} from '../../contract/packages.js';
import { parseManifest } from '../../packages/manifest.js';
import type { ManifestReading } from '../../packages/packages.store.js';
import type { FieldError } from '../http/problem.js';

/** `GET /packages`. */
export const packagesViewSchema = packagesOverviewSchema.meta({ id: 'Packages' });

type ManifestView = Omit<PackagesOverview, 'workers'>;

/** What a client sees of a stored manifest. Pure. */
export function manifestView(reading: ManifestReading, maxSpecs: number): ManifestView {
  const nothing = { content: null, hash: null, problem: null, packages: [], refused: [] };
  switch (reading.kind) {
    case 'absent':
      return nothing;
    case 'unreadable':
      return { ...nothing, problem: `the stored manifest ${reading.reason}` };
    case 'manifest': {
      const { content, hash } = reading.manifest;
      const { entries, refused } = parseManifest(content, maxSpecs);
      const packages = entries.map(({ name, range, line }) => ({ name, range, line }));
      return { content, hash: hash || null, problem: null, packages, refused: [...refused] };
    }
  }
}

/** One entry for each refused line of a manifest that came as the field `content`. */
export const refusedLines = (refused: readonly PackageFailure[]): FieldError[] =>
  refused.map(({ spec, line, reason }) => ({
    field: 'content',
    message: `line ${line}: ${spec}: ${reason}`,
    ...(line === undefined ? {} : { line }),
    code: 'PACKAGE_REFUSED',
  }));
