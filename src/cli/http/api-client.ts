import type { RequestedContext } from '../../contract/context.js';
import type { Artifact } from '../../contract/fields/artifacts.js';
import type { ControlAnswer } from '../../contract/control.js';
import type { ForgetResult, HistoryPage, Statistics } from '../../contract/history.js';
import type { PackagesOverview } from '../../contract/packages.js';
import type { RemovedSchedule, Schedule, ScheduleRun, Schedules } from '../../contract/api/schedules.js';
import type { LogEvent } from '../../contract/log-stream.js';
import type { ExecutionResult } from '../../contract/result.js';
import type { Waiting } from '../../contract/waiting.js';
import type { WorkerRecord } from '../../contract/worker-record.js';
import type { ApiAccess } from './api-access.js';
import { refusalError, strangeAnswer } from './api-errors.js';
import type { AgainEntry } from '../executions/again-entry.js';
import { plain } from '../output/output.js';
import { parseJson, sendRequest } from './api-request.js';

/** Deleting an organization's history of years takes a while. */
const FORGET_SECONDS = 3600;
/** What an answer may take longer than the time that it was asked to wait. */
const ANSWER_TIMEOUT_MS = 20_000;

/** Body of `POST /executions`. */
export type ExecutionRequest = RequestedContext & { execution_id: string };

/** Commands that `POST /workers/:id/…` accepts. */
export type OperatorCommand = 'drain' | 'pause' | 'recycle' | 'resume';

/** An execution as the API shows it before it has a result. */
export interface UnfinishedExecution {
  execution_id: string;
  status: 'stored' | 'queued' | 'delayed' | 'running';
  waiting?: Waiting;
  worker_id?: string;
  attempt?: number;
  cancellation?: object;
}

/** Answer of `GET /executions/:id/logs`. */
export interface LogPage {
  entries: LogEvent[];
  /** Cursor of the next page; null: this is the last. */
  next: string | null;
  ended: boolean;
}

/** Answer of `GET /executions/:id/artifacts`. */
export interface ArtifactList {
  /** false: what it leaves is there once it has ended. */
  ended: boolean;
  artifacts: Artifact[];
}

export type ExecutionView = UnfinishedExecution | (ExecutionResult & { waiting?: undefined });

/** Whether there is a result. */
export const hasEnded = (view: ExecutionView): view is ExecutionResult => !UNFINISHED.has(view.status);

const UNFINISHED: ReadonlySet<string> = new Set(['stored', 'queued', 'delayed', 'running']);

/** Speaks to the HTTP API. Every method throws {@link CommandError} with advice when there is no proper answer. */
export class ApiClient {
  /** interrupt: ends what is under way; methods then throw its reason. */
  constructor(
    private readonly access: ApiAccess,
    private readonly interrupt?: AbortSignal,
  ) {}

  /** Submits an execution and gives it a moment to end. */
  submit(request: ExecutionRequest, waitSeconds: number): Promise<ExecutionView> {
    return this.ask(`/executions?wait=${waitSeconds}`, isExecution, waitSeconds, JSON.stringify(request));
  }

  /** How far an execution is, as soon as it has ended or the time is over. */
  find(id: string, waitSeconds: number): Promise<ExecutionView> {
    return this.ask(`/executions/${encodeURIComponent(id)}?wait=${waitSeconds}`, isExecution, waitSeconds);
  }

  /** Has an execution end, and gives it a moment to; `refused` says why nothing was changed. */
  async cancel(
    id: string,
    reason: string | undefined,
    waitSeconds: number,
  ): Promise<ExecutionView | { refused: string }> {
    const query = new URLSearchParams({
      wait: String(waitSeconds),
      ...(reason === undefined ? {} : { reason }),
    });
    const path = `/executions/${encodeURIComponent(id)}?${query.toString()}`;
    const { status, body } = await this.fetch(path, waitSeconds, undefined, 'DELETE');
    if (status === 409) return { refused: plain(String((body as { detail?: unknown } | null)?.detail)) };
    if (status < 200 || status > 299) throw refusalError({ status, body }, this.access);
    if (!isExecution(body)) throw strangeAnswer(status, this.access);
    return body;
  }

  /** Has an execution that has ended run again, as a new one. */
  again(id: string, how: object): Promise<{ execution_id: string }> {
    return this.ask(`/executions/${encodeURIComponent(id)}/again`, isExecution, 0, JSON.stringify(how));
  }

  /** Has a page of those that a filter finds run again, or only says which they are. */
  againMany(request: object): Promise<{ executions: AgainEntry[]; next_cursor: string | null }> {
    return this.ask('/executions/again', isAgain, FORGET_SECONDS, JSON.stringify(request));
  }

  /** A page of what an execution printed, after the entry of the id `after`. */
  logs(id: string, after: string | null): Promise<LogPage> {
    const query = after === null ? '' : `?after=${encodeURIComponent(after)}`;
    return this.ask(`/executions/${encodeURIComponent(id)}/logs${query}`, isLogPage, 0);
  }

  /** Files that an execution left. */
  artifacts(id: string): Promise<ArtifactList> {
    return this.ask(`/executions/${encodeURIComponent(id)}/artifacts`, isArtifacts, 0);
  }

  /** A page of executions that have ended. */
  history(query: Record<string, string>): Promise<HistoryPage> {
    return this.ask(`/executions?${new URLSearchParams(query).toString()}`, isHistory, 0);
  }

  /** Counts and durations of executions that have ended. */
  statistics(query: Record<string, string>): Promise<Statistics> {
    return this.ask(`/executions/stats?${new URLSearchParams(query).toString()}`, isStatistics, 0);
  }

  /** Deletes what is kept of one execution or of an organization's. */
  forget(path: string): Promise<ForgetResult> {
    return this.ask(path, isForgotten, FORGET_SECONDS, undefined, 'DELETE');
  }

  /** The workers that are alive. */
  workers(): Promise<{ workers: WorkerRecord[] }> {
    return this.ask('/workers', isWorkers, 0);
  }

  /** Sends a command to one worker, or to all. `workers` answer within a few seconds or never. */
  control(to: string, command: OperatorCommand, pid?: number): Promise<{ answers: ControlAnswer[] }> {
    const query = pid === undefined ? '' : `?pid=${pid}`;
    return this.ask(`/workers/${encodeURIComponent(to)}/${command}${query}`, isControl, 0, undefined, 'POST');
  }

  /** A page of all schedules. */
  schedules(query: Record<string, string>): Promise<Schedules> {
    return this.ask(`/schedules?${new URLSearchParams(query).toString()}`, isSchedules, 0);
  }

  schedule(id: string): Promise<Schedule> {
    return this.ask(scheduleAt(id), isSchedule, 0);
  }

  setSchedule(id: string, request: object): Promise<Schedule> {
    return this.ask(scheduleAt(id), isSchedule, 0, JSON.stringify(request), 'PUT');
  }

  changeSchedule(id: string, change: 'pause' | 'resume'): Promise<Schedule> {
    return this.ask(`${scheduleAt(id)}/${change}`, isSchedule, 0, undefined, 'POST');
  }

  /** Has it tick now. */
  runSchedule(id: string): Promise<ScheduleRun> {
    return this.ask(`${scheduleAt(id)}/run`, isScheduleRun, 0, undefined, 'POST');
  }

  removeSchedule(id: string): Promise<RemovedSchedule> {
    return this.ask(scheduleAt(id), isRemoved, 0, undefined, 'DELETE');
  }

  /** The package manifest, and what each live worker has of it. */
  packages(): Promise<PackagesOverview> {
    return this.ask('/packages', isPackages, 0);
  }

  /** Publishes another manifest; every worker begins to install it. */
  setPackages(content: string): Promise<PackagesOverview> {
    return this.ask('/packages', isPackages, 0, JSON.stringify({ content }), 'PUT');
  }

  private async ask<T>(
    path: string,
    isExpected: (body: unknown) => body is T,
    waitSeconds: number,
    json?: string,
    method?: 'POST' | 'PUT' | 'DELETE',
  ): Promise<T> {
    const { status, body } = await this.fetch(path, waitSeconds, json, method);
    if (status < 200 || status > 299) throw refusalError({ status, body }, this.access);
    if (!isExpected(body)) throw strangeAnswer(status, this.access);
    return body;
  }

  private async fetch(
    path: string,
    waitSeconds: number,
    json?: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' = json === undefined ? 'GET' : 'POST',
  ): Promise<{ status: number; body: unknown }> {
    const { status, text } = await sendRequest(this.access, {
      method,
      path,
      timeoutMs: waitSeconds * 1000 + ANSWER_TIMEOUT_MS,
      ...(json === undefined ? {} : { json }),
      ...(this.interrupt === undefined ? {} : { interrupt: this.interrupt }),
    });
    return { status, body: parseJson(text) };
  }
}

// The worker may be newer than this command: only what identifies its answers is checked.
const isExecution = (body: unknown): body is ExecutionView => {
  const { execution_id: id, status } = (body ?? {}) as Record<string, unknown>;
  return typeof id === 'string' && typeof status === 'string';
};

const scheduleAt = (id: string): string => `/schedules/${encodeURIComponent(id)}`;

const isSchedules = (body: unknown): body is Schedules =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['schedules']);

const isNamed = (body: unknown): boolean =>
  typeof ((body ?? {}) as Record<string, unknown>)['id'] === 'string';
const isSchedule = (body: unknown): body is Schedule => isNamed(body);
const isRemoved = (body: unknown): body is RemovedSchedule => isNamed(body);

const isScheduleRun = (body: unknown): body is ScheduleRun =>
  typeof ((body ?? {}) as Record<string, unknown>)['execution_id'] === 'string';

const isLogPage = (body: unknown): body is LogPage =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['entries']);

const isArtifacts = (body: unknown): body is ArtifactList =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['artifacts']);

const isHistory = (body: unknown): body is HistoryPage =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['executions']);

const isAgain = (body: unknown): body is { executions: AgainEntry[]; next_cursor: string | null } =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['executions']);

const isForgotten = (body: unknown): body is ForgetResult =>
  typeof ((body ?? {}) as Record<string, unknown>)['executions'] === 'number';

const isStatistics = (body: unknown): body is Statistics =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['groups']);

const isWorkers = (body: unknown): body is { workers: WorkerRecord[] } =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['workers']);

const isControl = (body: unknown): body is { answers: ControlAnswer[] } =>
  Array.isArray(((body ?? {}) as Record<string, unknown>)['answers']);

const isPackages = (body: unknown): body is PackagesOverview => {
  const { packages, workers } = (body ?? {}) as Record<string, unknown>;
  return Array.isArray(packages) && Array.isArray(workers);
};
