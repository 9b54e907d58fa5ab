import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { requireFreshBuild } from '../../support/processes/built-worker.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

beforeAll(requireFreshBuild);

/** Some of each sort: all of them, which takes ten times as long, are in `npm run bench:smoke`. */
const CONTESTANTS = [
  'BullMQ sandbox, processes, results',
  'bifrost, reused processes',
  'bifrost, single-use processes',
];

describe('the benchmarks', () => {
  it('measure contestants in every figure and judge every target', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-test-'));
    const json = join(folder, 'bench.json');
    try {
      const run = spawn(
        process.execPath,
        ['bench/main.ts', '--smoke', '--contestants', `^(${CONTESTANTS.join('|')})$`, '--json', json],
        {
          cwd: ROOT,
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      const [errors, exitCode] = await Promise.all([
        text(run.stderr),
        new Promise<number | null>((resolve) => run.once('exit', resolve)),
      ]);
      if (exitCode !== 0) throw new Error(errors);
      const { measurements, targets } = JSON.parse(readFileSync(json, 'utf8')) as {
        measurements: { figure: string; contestant: string }[];
        targets: { name: string; ratio?: unknown }[];
      };
      const contestants = new Set(measurements.map(({ contestant }) => contestant));
      expect([...contestants]).toEqual(expect.arrayContaining(CONTESTANTS));
      // The smoke run has no backlog of 100,000 and does not run at concurrency 8.
      expect(targets).toHaveLength(25);
      expect(targets.filter(({ ratio }) => ratio).map(({ name }) => name)).toEqual(
        expect.arrayContaining([expect.stringContaining('latency'), expect.stringContaining('PSS')]),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
