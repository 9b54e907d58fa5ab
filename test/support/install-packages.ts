import { parseSettings } from '../../src/config/settings.js';
import { parseManifest } from '../../src/packages/manifest.js';
import { openPackageSets } from '../../src/packages/packages.module.js';
import { SetFolders } from '../../src/packages/sets/set-folders.js';
import { packagesSettings } from '../../src/config/slices.js';

/** A process of its own that installs the manifest of its first argument, to be killed in the middle. */
const settings = parseSettings({ REDIS_URL: 'redis://unused', ...process.env });
const folders = new SetFolders(settings.PACKAGES_DIR);
await folders.prepare();
await openPackageSets(packagesSettings.of(settings), folders).ensure(
  parseManifest(process.argv[2] as string, 100).entries,
  {
    signal: new AbortController().signal,
    onProgress: () => undefined,
  },
);
