import { randomUUID } from 'node:crypto';
import type { CompileClock } from '../compile/compile-clock.js';
import type { RunnerSettings } from '../config/slices.js';
import type { Execution } from '../contract/execution.js';
import type { ContextData, ExecuteCommand } from '../boundary/runner-protocol.js';
import type { RunLimits } from '../outcome/run-limits.js';
import type { Redactor } from '../outcome/redaction/redactor.js';
import type { Span } from '../telemetry/tracing.js';
import type { PreparedCode } from '../workspace/workspace.service.js';
import type { RunnerLease } from './pool/runner-lease.js';
import { isoTime } from '../lib/text/iso-time.js';

/** What one run on one runner needs. */
export interface RunTask {
  execution: Execution;
  program: Extract<PreparedCode, { ok: true }>;
  packagesDir: string | null;
  rootUrl: string;
  span: Span;
  redactor: Redactor;
  clock: CompileClock;
  startedAt: Date;
}

/** That this worker has made. */
let commands = 0;

/** What the runner is sent, with a secret of its own for this one execution. */
export function executeCommand(
  task: RunTask,
  { keep, slot }: RunnerLease,
  { limits, lookEvery }: { limits: Pick<RunLimits, 'outputBytes'> } & Pick<RunnerSettings, 'lookEvery'>,
): ExecuteCommand {
  const { execution, program, packagesDir, rootUrl } = task;
  const ref = `${(commands += 1)}`;
  // Node keeps a module by its URL: in a reused runner inline code must not meet an earlier one's.
  const unique = keep && execution.source.kind === 'inline' ? `?run=${ref}` : '';
  return {
    type: 'execute',
    nonce: randomUUID(),
    ref,
    entry: program.entryUrl + unique,
    modules: program.modules,
    rootUrl,
    packagesDir,
    functionName: execution.source.functionName,
    parameters: execution.parameters,
    env: execution.env,
    scratch: slot.scratch,
    keepsArtifacts: slot.runner.place.pathOf(slot.scratch) !== null,
    clearsScratch: !slot.runner.place.onDisk,
    pid: slot.runner.pid,
    network: execution.network,
    withoutAddons: execution.bounds?.withoutAddons ?? false,
    resultLimitBytes: limits.outputBytes,
    keep,
    lookEvery,
    captureLocals: execution.captureLocals,
    context: contextOf(task),
  };
}

const contextOf = ({ execution, execution: { details }, clock, span }: RunTask): ContextData => ({
  executionId: execution.id,
  attempt: execution.attempt,
  run: execution.run,
  starts: execution.starts,
  schedule: execution.tick && {
    id: execution.tick.schedule,
    dueAt: new Date(execution.tick.dueMs).toISOString(),
  },
  children: execution.flow.values,
  childFailures: execution.flow.failures,
  workflowId: execution.workflowId,
  name: details.name,
  config: details.config,
  startup: details.startup,
  event: details.event,
  extra: details.extra,
  files: execution.files,
  caller: execution.caller,
  organization: execution.organization,
  secrets: execution.secrets,
  traceparent: span.traceparent ?? execution.traceparent,
  deadline: isoTime(Date.now() + execution.timeoutMs - clock.usedMs),
});
