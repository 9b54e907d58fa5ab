import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSettings } from '../../src/config/settings.js';
import { parseManifest } from '../../src/packages/manifest.js';
import { openPackageSets } from '../../src/packages/packages.module.js';
import { SetFolders } from '../../src/packages/set-folders.js';
import { startRegistry, type TestRegistry } from '../support/registry.js';

describe('x', () => {
  let registry: TestRegistry;
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pk-'));
    registry = await startRegistry([
      { name: 'lodashish', version: '4.17.21', files: { 'index.js': 'exports.chunk = () => 1' } },
      {
        name: 'zodish',
        version: '4.1.0',
        manifest: { type: 'module', exports: { '.': './i.mjs', './mini': './mini.mjs' } },
        files: { 'i.mjs': 'export const z = 1', 'mini.mjs': 'export const m=1' },
      },
      { name: '@s/c', version: '1.0.0' },
    ]);
  });
  afterAll(async () => {
    await registry.stop();
    await rm(root, { recursive: true, force: true });
  });
  it('installs', async () => {
    const settings = parseSettings({
      REDIS_URL: 'redis://x',
      PACKAGES_DIR: root,
      NPM_REGISTRY: registry.url,
    });
    const folders = new SetFolders(root);
    await folders.prepare();
    const sets = openPackageSets(settings, folders);
    const { entries } = parseManifest('lodashish@4.17.21\nzodish@^4\n@s/c\nnope@1.0.0', 10);
    const t = Date.now();
    const o = await sets.ensure(entries, {
      signal: new AbortController().signal,
      onProgress: (p) => console.log(p),
    });
    console.log(Date.now() - t, JSON.stringify(o, null, 1), registry.requests);
    expect(o.set).not.toBeNull();
  });
});
