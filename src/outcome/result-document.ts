import { type CancellationReceipt, cancelMessage, receiptOf } from '../contract/cancellation.js';
import { ERROR_TYPES } from '../contract/failure.js';
import type { Tick } from '../contract/jobs/schedule.js';
import type { AttemptRecord, ExecutionResult, Metrics } from '../contract/result.js';
import { NO_SUBJECT } from '../contract/subject.js';
import { attemptHistory, attemptRecord } from './attempt-record.js';
import { type AttemptReport, codeOf, statusOf } from './attempt-report.js';
import type { Finding } from './judge.js';
import { type QueueTimes, round, runMetrics, waitMetrics } from './receipt.js';
import { redactedDocument } from './redacted-document.js';
import { evidenceOf } from './run-evidence.js';
import { isoTime } from '../lib/text/iso-time.js';

/** Which attempt of which run of which execution a result is of. */
export interface ResultIdentity {
  executionId: string;
  workerId: string;
  /** 1 for the first run of the execution. */
  run: number;
  attempt: number;
  /** How often its code was given to a runner in this run. */
  starts: number;
  times: QueueTimes;
  /** The tick of a schedule that it is. */
  tick?: Tick | null;
  /** Attempts before this one. */
  earlier?: readonly AttemptRecord[];
}

/**
 * The result document of an execution: its one author. A pure function of what was seen. No secret that the
 * report's redactor knows is in it, whatever the code put it into.
 */
export function resultDocument(identity: ResultIdentity, report: AttemptReport): ExecutionResult {
  const { earlier = [] } = identity;
  const document = redactedDocument(
    Object.assign(usualFields(identity, report), rareFields(identity, report)),
    report.redactor ?? null,
  );
  if (earlier.length === 0) return document;
  const attempts = attemptHistory(earlier, attemptRecord(document));
  return attempts.length > 1 ? { ...document, attempts } : document;
}

/** What every document has, field by field: V8 sets what follows a spread by a call of its runtime each. */
function usualFields(identity: ResultIdentity, report: AttemptReport): ExecutionResult {
  const { workflow_id, caller, organization, tags } = report.subject ?? NO_SUBJECT;
  const { success, status, error, error_type, failure } = endingOf(report);
  const ran = runOf(report);
  return {
    execution_id: identity.executionId,
    worker_id: identity.workerId,
    attempt: identity.attempt,
    starts: identity.starts,
    workflow_id,
    caller,
    organization,
    tags,
    success,
    status,
    error,
    error_type,
    failure,
    result: ran.result,
    duration_ms: ran.duration_ms,
    exit_code: ran.exit_code,
    logs: ran.logs,
    logs_truncated: ran.logs_truncated,
    progress: ran.progress,
    stdout: ran.stdout,
    stderr: ran.stderr,
    variables: ran.variables,
    queued_ms: identity.times.queue ?? 0,
    started_at: isoTime(report.startedAt.getTime()),
    finished_at: isoTime(report.finishedAt.getTime()),
    metrics: metricsOf(identity.times, report),
    workspace_generation: report.generation ?? null,
    package_set: report.packageSet ?? null,
  };
}

function rareFields({ run, tick }: ResultIdentity, report: AttemptReport): Partial<ExecutionResult> {
  const { artifacts, cancel, isolation, runnerStart: start, subject } = report;
  const fields: Partial<ExecutionResult> = {};
  if (subject?.again_of !== undefined) fields.again_of = subject.again_of;
  if (run !== 1) fields.run = run;
  if (tick) fields.schedule = { id: tick.schedule, due_at: new Date(tick.dueMs).toISOString() };
  if (artifacts?.length) fields.artifacts = [...artifacts];
  if (cancel) fields.cancellation = cancellationOf(report, cancel);
  if (isolation) fields.isolation = start ? { ...isolation, start } : isolation;
  return fields;
}

const metricsOf = (times: QueueTimes, report: AttemptReport): Metrics =>
  Object.assign(waitMetrics(times), report.metrics, report.run ? runMetrics(report.run.end) : null);

type Ending = Pick<ExecutionResult, 'success' | 'status' | 'error' | 'error_type' | 'failure'>;

/** How it ended, for programs and for people. */
function endingOf(report: AttemptReport): Ending {
  const status = statusOf(codeOf(report));
  const failed = failureOf(report);
  if (failed === null) return { success: true, status, error: null, error_type: null, failure: null };
  const { code, message, errorType = ERROR_TYPES[code], stack = null, final = false } = failed;
  const evidence = isCutShort(report)
    ? {}
    : { ...(report.run ? evidenceOf(report.run, failed) : {}), ...report.evidence };
  return {
    success: false,
    status,
    error: message,
    error_type: errorType,
    failure: { code, message, stack, ...(final ? { retryable: false } : {}), evidence },
  };
}

function failureOf(report: AttemptReport): Finding | null {
  const { finding, cancel } = report;
  if (!cancel || cancel.ended === 'too late') return finding;
  const message = cancelMessage(cancel.request);
  // What it threw when it was asked to end is worth knowing; what an earlier attempt failed of is not its end.
  return isCutShort(report) ? { code: 'CANCELLED', message } : { ...finding, code: 'CANCELLED', message };
}

/** Cancelled while no code of it ran. */
const isCutShort = ({ cancel }: AttemptReport): boolean =>
  cancel?.ended === 'before start' || cancel?.ended === 'not started again';

type RunFields = Pick<
  ExecutionResult,
  | 'result'
  | 'duration_ms'
  | 'exit_code'
  | 'logs'
  | 'logs_truncated'
  | 'progress'
  | 'stdout'
  | 'stderr'
  | 'variables'
>;

/** What the run of its code left. */
function runOf({ run, finding, cancel, startedAt, finishedAt }: AttemptReport): RunFields {
  if (!run)
    return {
      result: null,
      duration_ms: finishedAt.getTime() - startedAt.getTime(),
      exit_code: finding?.exitCode ?? null,
      logs: [],
      logs_truncated: false,
      progress: null,
      stdout: '',
      stderr: '',
      variables: {},
    };
  const { end } = run;
  const { report } = end;
  // What it still returned after it was asked to end is kept.
  const counts =
    finding === null || isOfArtifacts(finding) || cancel?.ended === 'by itself' || cancel?.ended === 'killed';
  return {
    result: counts && report?.type === 'result' ? (report.value ?? null) : null,
    duration_ms: round(end.durationMs),
    exit_code: finding ? (finding.exitCode ?? end.exit.exitCode) : 0,
    logs: end.logs,
    logs_truncated: end.logsTruncated,
    progress: end.progress,
    stdout: end.stdout,
    stderr: end.stderr,
    variables: report?.variables ?? {},
  };
}

/** The code itself ended well. */
const isOfArtifacts = ({ code }: Finding): boolean =>
  code === 'ARTIFACT_REFUSED' || code === 'ARTIFACT_STORE_FAILED';

function cancellationOf(
  { run }: AttemptReport,
  { request, ended }: NonNullable<AttemptReport['cancel']>,
): CancellationReceipt {
  const receipt = receiptOf(request, ended);
  const signal = ended === 'by itself' || ended === 'killed' ? run?.end.cancel : null;
  if (!signal) return receipt;
  const { signalledAt, killedAt } = signal;
  return {
    ...receipt,
    signalled_at: signalledAt.toISOString(),
    killed_at: killedAt?.toISOString() ?? null,
  };
}
