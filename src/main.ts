import { endOnEarlySignals } from './lib/process/early-signals.js';

// `node dist/main.js`, and what `nest start` starts. `bifrost worker` calls runWorker itself. Signals are listened for
// before the application is loaded, which takes a second.
const early = endOnEarlySignals();
const { runWorker } = await import('./bootstrap.js');
await runWorker(process.env, process.argv.slice(2), early);
