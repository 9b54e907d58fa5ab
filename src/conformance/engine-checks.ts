import { type ExecutionUpdate, waitedResultSchema } from '../contract/clients/engine.js';
import { resultOf } from './execution-checks.js';
import { expectDocument, expectEqual } from './mismatch.js';
import type { Check, Conversation } from './check.js';

/** What the execution engine has beside the contract of executions. */
export const ENGINE_CHECKS: readonly Check[] = [
  { name: 'a waiting caller gets the result by BLPOP', run: checkWaitingCaller },
  {
    name: 'updates of an execution',
    applies: ({ EXECUTION_UPDATES }) => EXECUTION_UPDATES === 'on',
    run: checkUpdates,
  },
  {
    name: 'a stored module with its import',
    applies: ({ WORKSPACE_SOURCE }) => WORKSPACE_SOURCE === 'modules',
    run: checkStoredModule,
  },
];

async function checkWaitingCaller({ wire }: Conversation): Promise<void> {
  const id = await wire.submit({
    workflow_code: 'export default () => [1, 2]',
    function_name: 'default',
    sync: true,
  });
  const result = await resultOf(wire, id);
  const text = await wire.until(`an entry of ${wire.keys.waitedResult(id)}`, () =>
    wire.redis.lpop(wire.keys.waitedResult(id)),
  );
  const waited: unknown = JSON.parse(text);
  expectDocument('waited-result', waited, Object.keys(waitedResultSchema.shape));
  expectEqual('the entry', waited, {
    status: 'Success',
    result: [1, 2],
    error: null,
    error_type: null,
    duration_ms: Math.round(result.duration_ms),
  });
}

async function checkUpdates({ wire }: Conversation): Promise<void> {
  const id = wire.newId();
  const received = (await wire.listen(wire.keys.executionUpdates(id))) as ExecutionUpdate[];
  const code = 'export default (_, { logger }) => { logger.warn("careful", { n: 1 }); return 7; }';
  await wire.submit({ workflow_code: code, function_name: 'default' }, id);
  await wire.until(`three updates of ${id}`, () => received.length >= 3);
  for (const update of received) expectDocument('execution-update', update, ['type', 'executionId']);
  const byKind = (kind: string): ExecutionUpdate[] => received.filter(({ type }) => type === kind);
  const [log] = byKind('execution_log');
  expectEqual(
    'states',
    byKind('execution_update').map((update) => 'status' in update && update.status),
    ['Running', 'Success'],
  );
  const { result, durationMs } = (await resultOf(wire, id).then(() => received.at(-1))) as {
    result?: unknown;
    durationMs?: unknown;
  };
  expectEqual('value, kind of its duration', [result, typeof durationMs], [7, 'number']);
  const { level, message, metadata } = log as Extract<ExecutionUpdate, { type: 'execution_log' }>;
  expectEqual('log entry', [level, message.startsWith('careful'), metadata], ['WARNING', true, { n: 1 }]);
}

async function checkStoredModule({ wire }: Conversation): Promise<void> {
  const { redis, keys } = wire;
  const folder = wire.newId();
  const modules = {
    [`${folder}/main.ts`]: `import { twice } from './lib/twice.js'; export function run({ n }: { n: number }) { return twice(n); }`,
    [`${folder}/lib/twice.ts`]: 'export const twice = (n: number): number => 2 * n;',
  };
  try {
    for (const [path, content] of Object.entries(modules))
      await redis.set(keys.storedModule(path), JSON.stringify({ content, path, hash: '' }), 'EX', 3600);
    const id = await wire.submit({
      file_path: `${folder}/main.ts`,
      function_name: 'run',
      parameters: { n: 21 },
    });
    expectEqual('result', (await resultOf(wire, id)).result, 42);
  } finally {
    await Promise.all(Object.keys(modules).map((path) => redis.del(keys.storedModule(path))));
  }
}
