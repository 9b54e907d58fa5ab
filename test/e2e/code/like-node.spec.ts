import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { ALL_ROWS } from '../../like-node/compatibility-page.js';
import { runByNode } from '../../like-node/plain-node.js';
import { comparable, type Ending, type Row } from '../../like-node/row.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const FOLDER = '/tmp/bifrost/workspace';
const ROWS = ALL_ROWS;
/**
 * The default kind runs every program. Of the others each runs a third of its own, so that each program runs on one of
 * them at least; all run all with LIKE_NODE=all (`npm run test:like-node`).
 */
const rowsOf = (third: number | null): readonly Row[] =>
  third === null || process.env['LIKE_NODE'] === 'all'
    ? ROWS
    : ROWS.filter((_row, index) => index % 3 === third);
const REUSE = { RUNNER_MAX_EXECUTIONS: '50', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true' };

const redis = useRedis();
const makeProducer = useProducers(redis);
let byNode: Map<Row, Ending>;

beforeAll(async () => {
  byNode = await runByNode(ROWS);
});

it('has enough programs, each with a name of its own', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(150);
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
});

describe.each([
  ['forked process', null, { ISOLATION: 'namespace', RUNNER_START: 'fork' }],
  ['started process', 0, { RUNNER_START: 'spawn' }],
  ['reused process', 1, { ...REUSE, ISOLATION: 'process' }],
  ['thread', 2, { ...REUSE, RUNNER: 'thread', TRUSTED_CODE: 'true', RUNNER_THREADS: '2' }],
])('a script on a runner of the kind %s does what it does by plain Node', (kind, third, env) => {
  const startWorker = useWorkers();
  const rows = rowsOf(third);
  const results = new Map<Row, Promise<ExecutionResult>>();

  beforeAll(async () => {
    const queueName = kind.replaceAll(' ', '-');
    const producer: Producer = makeProducer({ queueName });
    await startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: queueName, CONCURRENCY: '3', ...env } });
    for (const row of rows) {
      const id = randomUUID();
      const context = aContext({ workflow_code: row.code, function_name: null });
      results.set(
        row,
        producer.submitExecution(context, id).then(() => producer.executionResult(id)),
      );
    }
  });

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const result = await (results.get(row) as Promise<ExecutionResult>);
    const seen: Ending = {
      stdout: comparable(result.stdout, FOLDER, null),
      stderr: comparable(result.stderr, FOLDER, null),
      exitCode: result.exit_code,
    };
    const expected = byNode.get(row) as Ending;
    const { differs } = row;
    const left = differs?.in ?? [];
    const compared = ({ stdout, stderr, exitCode }: Ending) => ({
      ...(left.includes('stdout') ? {} : { stdout }),
      ...(left.includes('stderr') ? {} : { stderr }),
      ...(left.includes('exit code') ? {} : { exitCode }),
    });
    expect(compared(seen)).toEqual(compared(expected));
    expect(result.success).toBe(result.exit_code === 0);
    if (differs?.shows) expect(`${result.stdout}${result.stderr}`).toMatch(differs.shows);
  });
});
