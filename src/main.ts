import { runWorker } from './bootstrap.js';

// `node dist/main.js`, and what `nest start` starts. `bifrost worker` calls runWorker itself.
await runWorker(process.env, process.argv.slice(2));
