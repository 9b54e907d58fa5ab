import { join } from 'node:path';
import { registerAs } from '@nestjs/config';
import type { IsolationLevelName } from '../contract/confinement.js';
import { resultQueueName } from '../contract/jobs/job.js';
import { webhookQueueName } from '../contract/jobs/webhook.js';
import { signingKeys } from '../contract/jobs/signature.js';
import { archiveOf } from './archive.js';
import { artifactsOf } from './artifact-storage.js';
import { bullPrefix } from './bull-prefix.js';
import { capacityOf } from './capacity.js';
import { credentialsOf } from './credentials.js';
import { KIND_RULES } from './kind-rules.js';
import { networkOf, outletOf } from './network.js';
import { secretKeys } from './secret-keys.js';
import type { Settings } from './settings.js';
import { webhooksOf } from './webhooks.js';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
/** An execution may wait in the queue, or for another attempt, for this long and is still the same. */
const UNFINISHED_DAYS = 30;
const MB = 1_048_576;

/** The settings of one room: what it needs, under names of its own, and nothing else. */
export interface Slice<T extends object> {
  readonly name: string;
  /** Injection token, that of a namespace of @nestjs/config. */
  readonly KEY: string | symbol;
  /** The slice of these settings, frozen. */
  of(settings: Settings): Readonly<T>;
}

/** What a slice holds. */
export type SliceOf<S> = S extends Slice<infer T> ? Readonly<T> : never;

const slice = <T extends object>(name: string, of: (settings: Settings) => T): Slice<T> => ({
  name,
  KEY: registerAs(name, () => ({})).KEY,
  of: (settings) => Object.freeze(of(settings)),
});

/*
 * Times are in milliseconds and sizes in bytes; this is the one place that converts. Two exceptions keep the unit
 * of what takes them, and say so in their names: lifetimes that Redis counts in seconds, and limits that V8 and
 * the runner take in MB.
 */

export const redisSettings = slice('redis', (settings) => ({
  /** Set by the time that modules are made: without one there is the embedded server. */
  url: settings.REDIS_URL as string,
  keyPrefix: settings.KEY_PREFIX,
  bullPrefix: bullPrefix(settings),
  clientName: `bifrost-${settings.WORKER_ID}`,
}));
export type RedisSettings = SliceOf<typeof redisSettings>;

export const queueSettings = slice('queue', (settings) => ({
  name: settings.QUEUE_NAME,
  bullPrefix: bullPrefix(settings),
  results: resultQueueName(settings.QUEUE_NAME),
  isFair: settings.FAIR_ORDER === 'on',
}));
export type QueueSettings = SliceOf<typeof queueSettings>;

export const resultSettings = slice('results', (settings) => ({
  workerId: settings.WORKER_ID,
  ttlSeconds: settings.RESULT_TTL_SECONDS,
  /** Of what is kept of an execution until it has its result, whatever it waits for. */
  unfinishedTtlSeconds:
    Math.ceil(settings.MAX_TIMEOUT_SECONDS) + settings.RESULT_TTL_SECONDS + UNFINISHED_DAYS * DAY_SECONDS,
  /** Results go to the result queue. */
  areQueued: settings.RESULT_QUEUE === 'on',
  /** How results of tasks go to the queue: as an object, or as the text that the orchestrator stores. */
  taskForm: settings.TASK_RESULT,
  /** Every result is left in a list for a caller that waits, not only those of callers that say so. */
  areListed: settings.RESULT_LIST === 'all',
  /** What becomes of an execution is published. */
  hasUpdates: settings.EXECUTION_UPDATES === 'on',
  queue: resultQueueName(settings.QUEUE_NAME),
  webhookQueue: webhookQueueName(settings.QUEUE_NAME),
  bullPrefix: bullPrefix(settings),
  /** Above this many that wait there is a warning. */
  warnLength: settings.RESULT_QUEUE_WARN_LENGTH,
  /** Results that wait for the archive at most; 0: there is no archive. */
  feedLength: settings.ARCHIVE_FEED_LENGTH,
  /** The code of executions may be of a generation of the workspace. */
  hasGenerations: settings.WORKSPACE_SOURCE !== 'modules',
}));
export type ResultSettings = SliceOf<typeof resultSettings>;

export const webhookSettings = slice('webhooks', webhooksOf);
export type WebhookSettings = SliceOf<typeof webhookSettings>;

export const logSettings = slice('logs', (settings) => ({
  workerId: settings.WORKER_ID,
  ttlSeconds: settings.LOG_TTL_SECONDS,
  streamLimitBytes: settings.LOG_STREAM_LIMIT_BYTES,
  readersLimit: settings.LOG_READERS_LIMIT,
  /** Entries also have the fields that the engine reads. */
  hasEngineFields: settings.LOG_FIELDS === 'engine',
}));
export type LogSettings = SliceOf<typeof logSettings>;

export const archiveSettings = slice('archive', archiveOf);
export type ArchiveSettings = SliceOf<typeof archiveSettings>;

export const artifactSettings = slice('artifacts', artifactsOf);
export type ArtifactSettings = SliceOf<typeof artifactSettings>;

/** What an execution may ask for. */
export const executionSettings = slice('executions', (settings) => ({
  codeLimitBytes: settings.CODE_LIMIT_BYTES,
  defaultTimeoutMs: settings.DEFAULT_TIMEOUT_SECONDS * SECOND_MS,
  maxTimeoutMs: settings.MAX_TIMEOUT_SECONDS * SECOND_MS,
  /** A time limit of 0 is the longest one; otherwise it is refused. */
  zeroIsLongest: settings.ZERO_TIMEOUT === 'longest',
  /** How long the context of one that our API submitted is kept beyond its own time: as long as its result. */
  contextKeptSeconds: settings.RESULT_TTL_SECONDS,
  /** The filter `text` looks into parameters, too. */
  searchesParameters: settings.SEARCH_PARAMETERS,
  /** The first one signs, all are accepted; none: nothing is signed. */
  signingKeys: signingKeys(settings.JOB_SIGNING_KEY),
  /** The most that it may have of the network. */
  network: networkOf(settings),
  runner: settings.RUNNER,
}));
export type ExecutionSettings = SliceOf<typeof executionSettings>;

export const secretSettings = slice('secrets', (settings) => ({
  /** The first encrypts, all decrypt; none: there is no store. */
  keys: secretKeys(settings.SECRETS_KEY),
}));
export type SecretSettings = SliceOf<typeof secretSettings>;

export const workerSettings = slice('worker', (settings) => ({
  id: settings.WORKER_ID,
  type: settings.WORKER_TYPE,
  /** Name of the work queue that it reads. */
  queue: settings.QUEUE_NAME,
  concurrency: capacityOf(settings).concurrency,
  drainTimeoutMs: settings.DRAIN_TIMEOUT_SECONDS * SECOND_MS,
  /** How long it must have been idle; 0: never. */
  canaryMs: settings.CANARY_SECONDS * SECOND_MS,
}));
export type WorkerSettings = SliceOf<typeof workerSettings>;

/** How a process is kept from everything else. */
export interface IsolationSettings {
  /** Levels that are allowed, the strongest first. */
  levels: readonly IsolationLevelName[];
  /** The setting by which these are the ones. */
  askedBy: 'ISOLATION' | 'NATIVE_ADDONS';
  scratchBytes: number;
}

const hasNativeAddons = ({ NATIVE_ADDONS }: Settings): boolean => NATIVE_ADDONS === 'on';

const levelsOf = (settings: Settings): readonly IsolationLevelName[] => {
  if (hasNativeAddons(settings)) return ['namespace'];
  return settings.ISOLATION === 'auto' ? KIND_RULES[settings.RUNNER].levels : [settings.ISOLATION];
};

const isolationOf = (settings: Settings): IsolationSettings => ({
  levels: levelsOf(settings),
  askedBy: hasNativeAddons(settings) ? 'NATIVE_ADDONS' : 'ISOLATION',
  scratchBytes: settings.SCRATCH_LIMIT_MB * MB,
});

export const runnerSettings = slice('runners', (settings) => ({
  kind: settings.RUNNER,
  ...capacityOf(settings),
  /** How runners come about. */
  start: settings.RUNNER_START,
  /** When a template is replaced that runners are forked of. */
  templates: {
    maxChildren: settings.TEMPLATE_MAX_CHILDREN,
    maxAgeMs: settings.TEMPLATE_MAX_AGE_SECONDS * SECOND_MS,
  },
  /** Runners that are booted ahead; undefined: by the kind. */
  spares: settings.SPARE_RUNNERS,
  /** A runner is replaced after this many executions. 0: never. */
  maxExecutions: settings.RUNNER_MAX_EXECUTIONS,
  maxAgeMs: settings.RUNNER_MAX_AGE_SECONDS * SECOND_MS,
  recycleMemoryMb: settings.RUNNER_RECYCLE_MEMORY_MB,
  /** Executions without an organization may share a runner. */
  reusesWithoutOrganization: settings.RUNNER_REUSE_WITHOUT_ORGANIZATION,
  lookEvery: settings.RUNNER_LOOK_EVERY,
  /** Limits of each execution, beside that of its time. */
  limits: {
    cpuMs: settings.CPU_LIMIT_SECONDS === undefined ? null : settings.CPU_LIMIT_SECONDS * SECOND_MS,
    memoryMb: settings.MEMORY_LIMIT_MB,
    outputBytes: settings.OUTPUT_LIMIT_BYTES,
    fileMb: settings.FILE_SIZE_LIMIT_MB,
    openFiles: settings.OPEN_FILES_LIMIT,
    scratchMb: settings.SCRATCH_LIMIT_MB,
    cancelGraceMs: settings.CANCEL_GRACE_SECONDS * SECOND_MS,
  },
  isolation: isolationOf(settings),
  requiredGrade: settings.ISOLATION_REQUIRED_GRADE,
  /** Packages may load native code. */
  nativeAddons: hasNativeAddons(settings),
  network: networkOf(settings),
  /** Network through the worker; null: no execution can have that. */
  outlet: outletOf(settings),
  /** Folder of the installed package sets, which user code may read. */
  packageSets: join(settings.PACKAGES_DIR, 'sets'),
  /** Servers of the worker, which no execution may reach. */
  redisUrl: settings.REDIS_URL,
  databaseUrl: settings.DATABASE_URL,
  /** Its HTTP API runs code of every client that reaches it. */
  hasOpenApi: settings.ROLES.includes('api') && settings.API_TOKEN === undefined,
  /** What no execution may show. */
  credentials: credentialsOf(settings),
}));
export type RunnerSettings = SliceOf<typeof runnerSettings>;

export const compilerSettings = slice('compilers', (settings) => ({
  cpuLimitMs: settings.COMPILE_CPU_SECONDS * SECOND_MS,
  memoryMb: settings.COMPILE_MEMORY_MB,
  outputLimitBytes: settings.COMPILE_OUTPUT_LIMIT_BYTES,
  concurrency: settings.CONCURRENCY,
  isolation: isolationOf(settings),
  workspacePath: settings.WORKSPACE_PATH,
}));
export type CompilerSettings = SliceOf<typeof compilerSettings>;

export const workspaceSettings = slice('workspace', (settings) => ({
  /** Modules are those that another program keeps, instead of generations that are published. */
  isLive: settings.WORKSPACE_SOURCE === 'modules',
}));
export type WorkspaceSettings = SliceOf<typeof workspaceSettings>;

export const packagesSettings = slice('packages', (settings) => ({
  workerId: settings.WORKER_ID,
  dir: settings.PACKAGES_DIR,
  maxCount: settings.PACKAGES_MAX,
  installTimeoutMs: settings.PACKAGES_INSTALL_TIMEOUT_SECONDS * SECOND_MS,
  keepMs: settings.PACKAGES_KEEP_DAYS * DAY_MS,
  maxBytes: settings.PACKAGES_MAX_BYTES,
  registry: settings.NPM_REGISTRY,
  token: settings.NPM_TOKEN,
  /** Packages may load native code. */
  nativeAddons: hasNativeAddons(settings),
}));
export type PackagesSettings = SliceOf<typeof packagesSettings>;

export const httpSettings = slice('http', (settings) => ({
  workerId: settings.WORKER_ID,
  host: settings.HOST,
  port: settings.PORT,
  token: settings.API_TOKEN,
  metricsAccess: settings.METRICS_ACCESS,
  connectionsWaitingLimit: settings.CONNECTIONS_WAITING_LIMIT,
  codeLimitBytes: settings.CODE_LIMIT_BYTES,
  hasApi: settings.ROLES.includes('api'),
}));
export type HttpSettings = SliceOf<typeof httpSettings>;

export const tracingSettings = slice('tracing', (settings) => ({
  workerId: settings.WORKER_ID,
  /** undefined: nothing is traced */
  endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
  headers: settings.OTEL_EXPORTER_OTLP_HEADERS,
  serviceName: settings.OTEL_SERVICE_NAME,
  /** Share of the traces that begin here, 0 to 1. */
  sampled: settings.OTEL_TRACES_SAMPLER_ARG,
}));
export type TracingSettings = SliceOf<typeof tracingSettings>;

/** Every slice that can be injected. */
export const SLICES: readonly Slice<object>[] = [
  redisSettings,
  queueSettings,
  resultSettings,
  webhookSettings,
  logSettings,
  archiveSettings,
  artifactSettings,
  executionSettings,
  secretSettings,
  workerSettings,
  runnerSettings,
  compilerSettings,
  workspaceSettings,
  packagesSettings,
  httpSettings,
  tracingSettings,
];
