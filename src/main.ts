import { runWorker } from './bootstrap.js';
import { workerArguments } from './config/worker-arguments.js';

// `node dist/main.js`, and what `nest start` starts. `bifrost worker` calls runWorker itself.
await runWorker(process.env, workerArguments(process.argv.slice(2)));
