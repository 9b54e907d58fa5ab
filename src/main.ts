import { fileURLToPath } from 'node:url';
import { loadAhead } from './lib/bundle/built-ahead.js';
import { requireNewNode } from './lib/process/node-version.js';
import { endOnEarlySignals } from './lib/process/early-signals.js';

// `node dist/main.js`, and what `nest start` starts. `bifrost worker` calls runWorker itself. Signals are listened for
// before the application is loaded, which takes a while: from the few files that the build has made of it, or, where
// they are not what was compiled last, from the many.
requireNewNode();
const early = endOnEarlySignals();
// What V8 compiles of the worker's own files is kept beside them, a quarter of the time of a start. Where that folder
// cannot be written, each start compiles.
process
  .getBuiltinModule('node:module')
  .enableCompileCache(fileURLToPath(new URL('.compile-cache', import.meta.url)));
const { runWorker } = await loadAhead('bootstrap.cjs', () => import('./bootstrap.js'));
await runWorker(process.env, process.argv.slice(2), early);
