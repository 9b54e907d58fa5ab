import { setSourceMapsSupport } from 'node:module';
import { installImportHook } from '../modules/import-hook.js';

const ROOT_URL = 'file:///bifrost-warm-up/';
const ENTRY = `${ROOT_URL}entry.js`;

/**
 * Does once what the first execution would otherwise wait for: Node loads its module loader, and compiles
 * that and our hook, at the first import. A spare does it before it says `ready`, where no execution waits.
 */
export async function warmUp(): Promise<void> {
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  const hook = installImportHook({
    rootUrl: ROOT_URL,
    modules: [{ url: ENTRY, format: 'module', source: 'export default () => undefined;' }],
    packagesDir: null,
    requestModule: () => ({ kind: 'package' }),
  });
  await import(ENTRY);
  hook.remove();
  // A getter that loads what it stands for.
  performance.now();
}
