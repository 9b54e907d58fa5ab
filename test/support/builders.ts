import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from '../../src/contract/context.js';
import { type Execution, NO_CHILDREN, NO_DETAILS } from '../../src/contract/execution.js';
import type { TaskJob } from '../../src/contract/jobs/job.js';

/** A task that prints 4, changed as wanted. */
export const aTask = (changes: Partial<TaskJob> = {}): TaskJob => ({
  taskId: randomUUID(),
  code: 'console.log(2 + 2)',
  ...changes,
});

/** The stored context of an inline workflow that returns its parameters, changed as wanted. */
export const aContext = (changes: Partial<ExecutionContext> = {}): ExecutionContext => ({
  workflow_code: 'export default async function run(parameters) { return parameters; }',
  function_name: 'default',
  parameters: {},
  timeout_seconds: 60,
  ...changes,
});

/** Blocks the event loop for 20 ms as a loop does, and leaves the processor to others: for code that never ends. */
export const NAP = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)';

/** Code after which a worker has the two compilers that it keeps once a source is slow; put behind other code. */
export const SLOW_TO_COMPILE = Array.from(
  { length: 20_000 },
  (_, n) => `\nconst f${n} = (a) => a + ${n};`,
).join('');

/** What the executor is asked to carry out: an inline script that prints 4, changed as wanted. */
export const anExecution = (changes: Partial<Execution> = {}): Execution => ({
  id: randomUUID(),
  attempt: 1,
  run: 1,
  starts: 1,
  tick: null,
  flow: NO_CHILDREN,
  source: { kind: 'inline', code: 'console.log(2 + 2)', functionName: null },
  parameters: {},
  files: {},
  env: {},
  secrets: {},
  caller: null,
  organization: null,
  workflowId: null,
  details: NO_DETAILS,
  tags: [],
  timeoutMs: 10_000,
  network: 'none',
  captureLocals: false,
  traceparent: null,
  generation: null,
  wantedGeneration: null,
  ...changes,
});
