// The naive design: `node file` for each job, what it prints is its output, the last line its result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'bullmq';
import { announce, runPeerJob, type JobData, queueName, workerOptions, workFolder } from './peer.ts';

const FILE = fileURLToPath(new URL('spawned.mjs', import.meta.url));

async function run({ workload, parameters }: JobData): Promise<unknown> {
  const child = spawn(process.execPath, [FILE, workFolder, workload, JSON.stringify(parameters)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (exitCode !== 0) throw new Error(errors);
  const lines = output.trimEnd().split('\n');
  return { value: JSON.parse(lines.at(-1) ?? 'null') as unknown, lines };
}

await announce(new Worker(queueName, (job) => runPeerJob(job, run), workerOptions()));
