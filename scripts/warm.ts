// `node scripts/warm.ts FOLDER`: starts the worker in this folder once, without Redis, and ends it, so that what V8
// compiles of it is kept in FOLDER/dist/.compile-cache. For images whose file system is read-only; run it as the user
// and with the Node of the image, since both are part of the name of what is kept.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [folder = '.'] = process.argv.slice(2);
const worker = spawn(process.execPath, [join(folder, 'dist', 'main.js')], {
  env: {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    // Nothing listens on this port of the machine itself.
    REDIS_URL: 'redis://127.0.0.1:9',
    ROLES: 'worker,api',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_FORMAT: 'json',
    RUNNER_START: 'spawn',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(worker, 'exit');
for await (const line of createInterface({ input: worker.stdout }))
  if (/waits for Redis|listening/.test(line)) break;
worker.kill('SIGTERM');
const [code] = (await ended) as [number | null];
if (code !== 0 || !existsSync(join(folder, 'dist', '.compile-cache'))) {
  process.stderr.write(`warm: the worker ended with ${code}, or nothing was kept\n`);
  process.exit(1);
}
