import type { ExecutionResult, Metrics } from '../contract/result.js';
import { LOG_FIELDS, METRICS, RESULT_FIELDS } from './fields.js';
import { expectDocument, expectEqual, expectFields, expectThat, Mismatch } from './mismatch.js';
import type { Check, Conversation } from './check.js';
import type { Wire } from './wire.js';

/** The contract of the execution engine: a context in Redis, one result for each. */
export const EXECUTION_CHECKS: readonly Check[] = [
  { name: 'execution: its value, logs and variables', isBasic: true, run: checkExecution },
  { name: 'execution: what its producer wrote reaches the code', run: checkContext },
  { name: 'execution: its log stream', run: checkLogs },
  { name: 'script in base64', run: checkScript },
  { name: 'execution that throws: the class of its error', run: checkError },
  { name: 'context missing: ContextNotFound', run: checkContextMissing },
  { name: 'cancelled by the channel: CancelledError', run: checkCancelChannel },
  { name: 'cancelled by the flag: CancelledError', run: checkCancelFlag },
];

/** The result on the queue, which is also the stored one. */
export async function resultOf(wire: Wire, executionId: string): Promise<ExecutionResult> {
  const result = (await wire.result(executionId)) as ExecutionResult;
  expectDocument('execution-result', result, RESULT_FIELDS);
  expectEqual('execution_id', result.execution_id, executionId);
  expectEqual('the stored result', await wire.document(wire.keys.result(executionId)), result);
  return result;
}

type Ended = Pick<ExecutionResult, 'success' | 'status' | 'error_type'>;

function expectEnd({ success, status, error_type }: ExecutionResult, wanted: Ended): void {
  expectEqual('success, status, error_type', { success, status, error_type }, wanted);
}

const SUCCEEDED: Ended = { success: true, status: 'succeeded', error_type: null };
const CANCELLED: Ended = { success: false, status: 'cancelled', error_type: 'CancelledError' };

const CODE = `
  export async function greet(parameters, context) {
    context.logger.info('greeting', { to: parameters.name });
    context.variables.greeted = parameters.name;
    context.progress(0.5, 'half');
    return { greeting: 'Hello, ' + parameters.name };
  }`;

const SUBJECT = {
  workflow_id: 'wf-conformance',
  caller: { user_id: 'u-1', email: 'ada@example.com', name: 'Ada' },
  organization: { id: 'o-1', name: 'Analysts' },
  tags: ['conformance'],
};

async function checkExecution({ wire }: Conversation): Promise<void> {
  const id = await wire.submit({
    workflow_code: CODE,
    function_name: 'greet',
    parameters: { name: 'Ada' },
    timeout_seconds: 60,
    ...SUBJECT,
  });
  const result = await resultOf(wire, id);
  expectEnd(result, SUCCEEDED);
  const { result: value, variables, progress, workflow_id, caller, organization, tags } = result;
  expectEqual('result', value, { greeting: 'Hello, Ada' });
  expectEqual('variables', variables, { greeted: 'Ada' });
  expectEqual('progress', progress, { fraction: 0.5, message: 'half' });
  expectEqual('its subject', { workflow_id, caller, organization, tags }, SUBJECT);
  expectFields('metrics', result.metrics, METRICS);
  expectSameFigures(result.metrics);
  const [entry] = result.logs;
  if (!entry) throw new Mismatch('logs: there is no entry');
  expectEqual(
    'logs: level, stream, fields',
    [entry.level, entry.stream, entry.fields],
    ['info', 'stdout', { to: 'Ada' }],
  );
}

/** Figures that have two names. */
function expectSameFigures(metrics: Metrics): void {
  const { peak_memory_mb: mb, peak_memory_bytes: bytes } = metrics;
  expectThat(typeof bytes === 'number' && bytes > 0, `metrics.peak_memory_bytes is ${bytes}`);
  expectThat(
    typeof mb === 'number' && Math.abs(bytes / 1_048_576 - mb) < 0.01,
    `metrics.peak_memory_mb is ${mb}`,
  );
  expectEqual('metrics.cpu_user_seconds', metrics['cpu_user_seconds'], metrics.user_time_seconds);
  expectEqual('metrics.cpu_system_seconds', metrics['cpu_system_seconds'], metrics.system_time_seconds);
}

async function checkContext({ wire }: Conversation): Promise<void> {
  const given = {
    name: 'Nightly report',
    config: { region: 'eu' },
    startup: { opened: true },
    event: { type: 'webhook', data: { n: 1 } },
  };
  const id = await wire.submit({
    workflow_code:
      'export default (_, { name, config, startup, event, extra, organization, caller, secrets }) => ({ name, config, startup, event, extra, organization, caller, hasToken: secrets.engine_token.length > 0 })',
    function_name: 'default',
    file_path: 'workflows/conformance.ts',
    ...given,
    caller: SUBJECT.caller,
    organization: { ...SUBJECT.organization, is_active: true },
    is_platform_admin: true,
    roi: { time_saved: 1 },
    engine_token: 'token-of-the-conformance-kit',
  });
  const result = await resultOf(wire, id);
  expectEnd(result, SUCCEEDED);
  expectEqual('what the code saw', result.result, {
    ...given,
    extra: { is_platform_admin: true, roi: { time_saved: 1 } },
    organization: { ...SUBJECT.organization, is_active: true },
    caller: SUBJECT.caller,
    hasToken: true,
  });
}

async function checkLogs({ wire, settings }: Conversation): Promise<void> {
  const id = await wire.submit({ workflow_code: 'console.warn("careful")' });
  await resultOf(wire, id);
  const key = wire.keys.logs(id);
  const entries = await wire.until(`the end of ${key}`, async () => {
    const read = (await wire.redis.xrange(key, '-', '+')).map(([, list]) => pairs(list));
    return read.at(-1)?.['type'] === 'end' && read;
  });
  expectEqual(
    'types',
    entries.map(({ type }) => type),
    ['start', 'log', 'end'],
  );
  for (const entry of entries) expectFields(`${key}: ${entry['type']}`, entry, LOG_FIELDS);
  const [start, log, end] = entries as [Entry, Entry, Entry];
  expectFields(`${key}: start`, start, ['worker']);
  expectEqual('status of the end', end['status'], 'succeeded');
  const isEngine = settings.LOG_FIELDS === 'engine';
  const { level, stream, message } = log;
  expectEqual('entry', [level, stream, message], [isEngine ? 'WARNING' : 'warn', 'stderr', 'careful']);
  if (!isEngine) return;
  const { execution_id: of, timestamp, metadata } = log;
  expectEqual('fields of the engine', [of, timestamp, metadata], [id, log['ts'], '{}']);
}

type Entry = Record<string, string>;

const pairs = (list: readonly string[]): Entry =>
  Object.fromEntries(
    list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1] as string]] : [])),
  );

async function checkScript({ wire }: Conversation): Promise<void> {
  const code = Buffer.from('console.log("grüßt")').toString('base64');
  const result = await resultOf(wire, await wire.submit({ code, name: 'script', function_name: null }));
  expectEnd(result, SUCCEEDED);
  expectEqual('stdout', result.stdout, 'grüßt\n');
}

async function checkError({ wire }: Conversation): Promise<void> {
  const result = await resultOf(
    wire,
    await wire.submit({
      workflow_code: 'class Refused extends Error { name = "Refused" }; throw new Refused("not today")',
    }),
  );
  expectEnd(result, { success: false, status: 'failed', error_type: 'Refused' });
  expectEqual('error, failure.code', [result.error, result.failure?.code], ['not today', 'USER_ERROR']);
}

async function checkContextMissing({ wire }: Conversation): Promise<void> {
  const result = await resultOf(wire, await wire.submitWithoutContext());
  expectEnd(result, { success: false, status: 'failed', error_type: 'ContextNotFound' });
}

const ENDLESS = { workflow_code: 'console.log("runs"); setInterval(() => {}, 1000)', timeout_seconds: 120 };

async function untilPrinted(wire: Wire, id: string): Promise<void> {
  await wire.until(`${id} prints`, async () => (await wire.redis.xlen(wire.keys.logs(id))) > 1);
}

async function checkCancelChannel({ wire }: Conversation): Promise<void> {
  const id = await wire.submit(ENDLESS);
  await untilPrinted(wire, id);
  await wire.redis.publish(wire.keys.cancelChannel(), JSON.stringify({ execution_id: id }));
  expectEnd(await resultOf(wire, id), CANCELLED);
}

async function checkCancelFlag({ wire }: Conversation): Promise<void> {
  const id = await wire.submit(ENDLESS);
  await untilPrinted(wire, id);
  await wire.redis.set(wire.keys.cancelFlag(id), '1', 'EX', 3600);
  expectEnd(await resultOf(wire, id), CANCELLED);
}
