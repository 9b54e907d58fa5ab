import { beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireFreshBuild } from '../../support/processes/built-worker.js';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench', 'workspace.bench.ts');

beforeAll(requireFreshBuild);

it('the benchmark of the workspace runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--smoke']);
  expect(stdout).toMatch(/^30 imports: from disk \/ workspace +[\d.]+ ms +[\d.]+ ms +[\d.]+ x$/m);
  expect(stdout).toMatch(/^3 imports, new code: 3 modules \/ 30 modules +[\d.]+ ms +[\d.]+ ms +[\d.]+ x$/m);
});
