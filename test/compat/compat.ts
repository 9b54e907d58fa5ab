import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../../src/packages/sets/folder-tree.js';
import { TEST_CERTIFICATE } from '../support/servers/test-certificate.js';
import { usePostgres } from '../support/servers/test-postgres.js';
import { MISSING_NAMES, tryManifest } from './manifest.js';
import type { SeenRun, SeenUse } from './seen.js';
import { CompatServers } from './servers.js';
import { packagesFolder, UseTrier } from './try-uses.js';
import { ALL_USES } from './uses.js';
import { serverUses } from './uses-servers.js';
import { WORKSPACES } from './uses-workspaces.js';

// `npm run compat`: installs widely used packages from the registry that this machine's npm is configured
// for, as a worker does, runs a real use of each at the default isolation, and writes down what was seen.
// Most have no network; clients of servers speak to real ones at NETWORK=proxy and NETWORK=open.

const RESULTS = new URL('./seen.json', import.meta.url);
const TIMEOUT_MS = 3_600_000;
/** Of all packages that are tried without a network. */
const WANTED_SHARE = 0.95;
/** To name what is missing in a manifest of many names. */
const MANIFEST_CPU_SECONDS = 180;

const trier = new UseTrier();
const postgres = usePostgres();
const servers = new CompatServers();
let folder: string;

beforeAll(async () => {
  folder = await packagesFolder();
});
afterAll(async () => {
  servers.stop();
  await removeTree(folder);
});

/** Puts what was seen beside what earlier runs have of the other parts. */
async function note(part: Partial<SeenRun>): Promise<void> {
  const before = JSON.parse(await readFile(RESULTS, 'utf8')) as SeenRun;
  const run = { ...before, node: process.version, on: new Date().toISOString().slice(0, 10), ...part };
  await writeFile(RESULTS, `${JSON.stringify(run, null, 2)}\n`);
}

function show(seen: readonly SeenUse[]): void {
  for (const { name, version, network, works, why } of seen)
    process.stdout.write(
      `${works ? 'works' : 'FAILS'}  ${name}@${version ?? '-'} (network ${network})  ${why ?? ''}\n`,
    );
}

const failing = (seen: readonly SeenUse[]): readonly SeenUse[] => seen.filter(({ works }) => !works);

describe('widely used packages', () => {
  it(
    'do what is asked of them without a network',
    async () => {
      const uses = [
        ...(await trier.tryAll(
          ALL_USES.filter(({ native }) => !native),
          folder,
          {},
        )),
        ...(await trier.tryAll(
          ALL_USES.filter(({ native }) => native),
          folder,
          { NATIVE_ADDONS: 'on' },
        )),
      ];
      show(uses);
      await note({ uses });
      expect(1 - failing(uses).length / uses.length).toBeGreaterThanOrEqual(WANTED_SHARE);
    },
    TIMEOUT_MS,
  );

  it(
    'read the types of decorated members',
    async () => {
      const workspaces = await trier.tryAll(WORKSPACES, folder, {});
      show(workspaces);
      await note({ workspaces });
      expect(failing(workspaces)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'speak to real servers',
    async () => {
      const uses = serverUses(await servers.start(join(folder, 'servers'), postgres), TEST_CERTIFICATE.cert);
      const seen: SeenUse[] = [];
      for (const NETWORK of ['proxy', 'open'])
        seen.push(...(await trier.tryAll(uses, folder, { NETWORK, NETWORK_ALLOW: 'localhost:*/private' })));
      show(seen);
      await note({ servers: seen });
      expect(failing(seen)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe('a manifest of many names without versions', () => {
  it(
    'has all that can be had installed, and names the rest soon',
    async () => {
      const manifest = await tryManifest(trier, join(folder, 'fresh'));
      process.stdout.write(`${JSON.stringify(manifest)}\n`);
      await note({ manifest });
      expect(manifest.missing.map((spec) => spec.replace(/@[^@]*$/, '')).toSorted()).toEqual(
        MISSING_NAMES.toSorted(),
      );
      expect(manifest.installed).toBe(manifest.names - MISSING_NAMES.length);
      expect(manifest.cpuSeconds).toBeLessThan(MANIFEST_CPU_SECONDS);
    },
    TIMEOUT_MS,
  );
});
