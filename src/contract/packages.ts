import { z } from 'zod';

/** `bifrost:requirements:content`: what every worker must have installed. */
export const packageManifestSchema = z.object({
  content: z
    .string({ error: 'must be a string: one npm spec a line, or a package.json text' })
    .max(1_048_576, { error: 'must not be longer than 1 MiB' })
    .meta({
      description: 'One npm spec a line (blank lines and # comments allowed), or a package.json text',
    }),
  hash: z.string().default('').meta({ description: 'sha256 of the content, in hex' }),
});

/**
 * none        there is no manifest
 * installing  the wanted set is being installed; executions still get the one before
 * ready       the wanted set is in use; `failed` names what it lacks
 * failed      no wanted package could be installed, `failed` says why; executions keep the set before, if any
 */
export const PACKAGES_STATES = ['none', 'installing', 'ready', 'failed'] as const;

/** Where a package failed: its line, npm's install, the import that checks it, or the manifest as a whole. */
export const PACKAGE_PHASES = ['refused', 'install', 'import', 'manifest'] as const;

export const packageFailureSchema = z.object({
  spec: z.string(),
  line: z.number().int().optional(),
  reason: z.string(),
  phase: z.enum(PACKAGE_PHASES),
});

export const installedPackageSchema = z.object({ name: z.string(), version: z.string() });

/** `bifrost:worker:{id}:packages`: what one worker has of the manifest. */
export const packagesStatusSchema = z.object({
  state: z.enum(PACKAGES_STATES),
  set: z.string().nullable().meta({ description: 'Package set that new executions get' }),
  wanted: z.string().nullable().meta({ description: 'Package set that the manifest asks for' }),
  manifest_hash: z.string().nullable(),
  installed: z.array(installedPackageSchema),
  failed: z.array(packageFailureSchema),
  progress: z.number().min(0).max(1),
  updated_at: z.string(),
});

/** One package that a manifest asks for. */
export const wantedPackageSchema = z.object({
  name: z.string(),
  range: z.string().meta({ description: 'Version, range or dist-tag' }),
  line: z.number().int(),
});

/** `GET /packages` and the answer of `PUT /packages`: the manifest, and what each live worker has of it. */
export const packagesOverviewSchema = z.object({
  content: z.string().nullable().meta({ description: 'null: there is no manifest' }),
  hash: z.string().nullable(),
  problem: z.string().nullable().meta({ description: 'Why what is stored cannot be read as a manifest' }),
  packages: z.array(wantedPackageSchema),
  refused: z
    .array(packageFailureSchema)
    .meta({ description: 'Lines that no worker installs; only in manifests that did not come by PUT' }),
  workers: z.array(
    z.object({
      worker_id: z.string(),
      status: packagesStatusSchema.nullable().meta({ description: 'null: it has said nothing yet' }),
    }),
  ),
});

export type PackageManifest = z.infer<typeof packageManifestSchema>;
export type PackagesState = (typeof PACKAGES_STATES)[number];
export type PackageFailure = z.infer<typeof packageFailureSchema>;
export type InstalledPackage = z.infer<typeof installedPackageSchema>;
export type PackagesStatus = z.infer<typeof packagesStatusSchema>;
export type PackagesOverview = z.infer<typeof packagesOverviewSchema>;
export type WorkerPackages = PackagesOverview['workers'][number];
