// How many processes a second this machine starts and ends: spawn('node', ['-e', '0']), 2 in parallel.
// Each line on stdin is a time in milliseconds; each line on stdout the rate that was reached in it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const IN_PARALLEL = 2;

async function rateOver(milliseconds: number): Promise<number> {
  const startedAt = performance.now();
  let ended = 0;
  let lastAt = startedAt;
  await Promise.all(
    Array.from({ length: IN_PARALLEL }, async () => {
      while (performance.now() - startedAt < milliseconds) {
        await once(spawn(process.execPath, ['-e', '0']), 'exit');
        ended += 1;
        lastAt = performance.now();
      }
    }),
  );
  return ended / ((lastAt - startedAt) / 1000);
}

process.stdout.write('listening\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await rateOver(Number(line))}\n`);
}
