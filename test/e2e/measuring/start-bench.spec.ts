import { beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireFreshBuild } from '../../support/processes/built-worker.js';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench', 'start.bench.ts');

beforeAll(requireFreshBuild);

it('the benchmark of starts runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--smoke']);
  for (const name of ['node -e 0', 'forked', 'started'])
    expect(stdout).toMatch(new RegExp(`^\\| ${name}, processor time \\| [\\d.]+ \\(`, 'm'));
  expect(stdout).toMatch(/^forked: [\d.]+ of node -e 0 \(at most 0.25\): /m);
});
