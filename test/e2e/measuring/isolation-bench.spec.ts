import { beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireFreshBuild } from '../../support/processes/built-worker.js';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench', 'isolation.bench.ts');

beforeAll(requireFreshBuild);

it('the benchmark of the isolation runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--smoke']);
  expect(stdout).toMatch(/^\| start to the first return \| namespace \| [\d.]+ \(/m);
  expect(stdout).toMatch(/^namespace: start \+-?[\d.]+ ms \(at most 10\), throughput [\d.]+ /m);
});
