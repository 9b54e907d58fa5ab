import type { TaskResult } from '../contract/clients/task-result.js';
import { resultSchema } from '../contract/result.js';
import { RESULT_FIELDS, TASK_FIELDS } from './fields.js';
import { expectDocument, expectEqual, expectThat } from './mismatch.js';
import type { Check, Conversation } from './check.js';

/** The task contract: everything in the job, one result for each. */
export const TASK_CHECKS: readonly Check[] = [
  { name: 'task that prints: completed, with what it printed', isBasic: true, run: checkPrints },
  { name: 'task: its whole result is stored under its id', run: checkStored },
  { name: 'task that throws: failed, with the error', run: checkThrows },
  { name: 'task with an exit code: failed, with that', run: checkExitCode },
  { name: 'task above its time limit: failed, exit code 124', run: checkTimeout },
  { name: 'task without code: failed, without a result', run: checkWithoutCode },
];

interface TaskCase {
  code?: string;
  timeout?: number;
  status: TaskResult['status'];
  /** What the process of the task leaves; null: none ran. */
  left: { stdout: string; stderr: RegExp; exitCode: number } | null;
  errorMessage?: RegExp;
}

async function checkTask({ wire, settings }: Conversation, wanted: TaskCase): Promise<string> {
  const { code, timeout = 60, status, left, errorMessage } = wanted;
  const taskId = wire.newId();
  const result = (await wire.runTask({
    taskId,
    prompt: 'conformance',
    timeout,
    ...(code === undefined ? {} : { code }),
  })) as TaskResult<unknown>;
  const fields = [...TASK_FIELDS, ...(left ? ['result'] : []), ...(errorMessage ? ['errorMessage'] : [])];
  expectDocument('task-result', result, fields);
  expectEqual('taskId, status', [result.taskId, result.status], [taskId, status]);
  if (errorMessage)
    expectThat(errorMessage.test(result.errorMessage ?? ''), `errorMessage is ${result.errorMessage}`);
  else expectEqual('errorMessage', result.errorMessage, undefined);
  if (left === null) expectEqual('result', result.result, undefined);
  else if (settings.TASK_RESULT === 'text') expectEqual('result', result.result, left.stdout);
  else {
    const { stdout, stderr, exitCode } = result.result as Exclude<TaskResult['result'], undefined>;
    expectEqual('stdout, exitCode', [stdout, exitCode], [left.stdout, left.exitCode]);
    expectThat(left.stderr.test(stderr), `stderr is ${stderr}`);
  }
  return taskId;
}

const NOTHING = /^$/;

async function checkPrints(conversation: Conversation): Promise<void> {
  await checkTask(conversation, {
    code: 'console.log(2 + 2)',
    status: 'completed',
    left: { stdout: '4\n', stderr: NOTHING, exitCode: 0 },
  });
}

async function checkStored(conversation: Conversation): Promise<void> {
  const left = { stdout: 'kept\n', stderr: NOTHING, exitCode: 0 };
  const taskId = await checkTask(conversation, { code: 'console.log("kept")', status: 'completed', left });
  const { wire } = conversation;
  const stored = await wire.document(wire.keys.result(taskId));
  expectDocument('execution-result', stored, RESULT_FIELDS);
  const { execution_id: id, stdout, status } = resultSchema.parse(stored);
  expectEqual('execution_id, stdout, status', [id, stdout, status], [taskId, 'kept\n', 'succeeded']);
}

async function checkThrows(conversation: Conversation): Promise<void> {
  await checkTask(conversation, {
    code: 'console.log("before"); throw new Error("broken")',
    status: 'failed',
    left: { stdout: 'before\n', stderr: /broken/, exitCode: 1 },
    errorMessage: /broken/,
  });
}

async function checkExitCode(conversation: Conversation): Promise<void> {
  await checkTask(conversation, {
    code: 'process.exit(3)',
    status: 'failed',
    left: { stdout: '', stderr: NOTHING, exitCode: 3 },
    errorMessage: /code 3/,
  });
}

async function checkTimeout(conversation: Conversation): Promise<void> {
  await checkTask(conversation, {
    code: 'setInterval(() => {}, 1000)',
    timeout: 1,
    status: 'failed',
    left: { stdout: '', stderr: NOTHING, exitCode: 124 },
    errorMessage: /time limit of 1 s/,
  });
}

async function checkWithoutCode(conversation: Conversation): Promise<void> {
  await checkTask(conversation, { status: 'failed', left: null, errorMessage: /code/ });
}
