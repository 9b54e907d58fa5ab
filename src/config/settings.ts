// Longer than 300 lines: the one table of every environment variable.
import { availableParallelism, homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { NETWORK_POLICIES, RUNNER_KINDS, type RunnerKindName } from '../contract/confinement.js';
import { ISOLATION_GRADES } from '../contract/isolation-report.js';
import { signingKeys } from '../contract/jobs/signature.js';
import { readEnvironment, type SettingNames } from './environment.js';
import { troubleOfSecretKeys } from './secret-keys.js';
import { KIND_RULES } from './kind-rules.js';
import { parseNetworkAllow } from './network-allow.js';
import { PRESET_NAMES, presetDefaults, PRESETS } from './presets.js';
import { redisUrlOf, redisUrlTrouble } from './redis-address.js';
import { allowedByIssue, withValue } from './settings-messages.js';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
const MORE_THAN_ZERO = { error: 'must be a number above 0' };
const ZERO_OR_MORE = { error: 'must be a number of at least 0' };
/** A length of time that may have decimals. */
const moreThanZero = z.coerce.number(MORE_THAN_ZERO).positive(MORE_THAN_ZERO);
const zeroOrMore = z.coerce.number(ZERO_OR_MORE).min(0, ZERO_OR_MORE);
/** Beside what is installed, whatever folder the process was started in. */
const archiveDir = (): string => fileURLToPath(new URL('../../.bifrost/archive', import.meta.url));
const artifactsDir = (): string => fileURLToPath(new URL('../../.bifrost/artifacts', import.meta.url));
const list = <const T extends readonly [string, ...string[]]>(names: T) =>
  z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .pipe(z.array(z.enum(names)).min(1));

/** Hosts and addresses, as `NETWORK_ALLOW` says them. */
const networkAllow = z
  .string()
  .default('*')
  .superRefine((list, ctx) => {
    try {
      parseNetworkAllow(list);
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });

/** Root keeps packages where a runner under another user can read them; other users keep them in their home folder. */
const packagesDir = (): string =>
  process.getuid?.() === 0 ? '/var/cache/bifrost/packages' : join(homedir(), '.cache', 'bifrost', 'packages');

/**
 * The one table of environment variables. Each row carries what `docs/configuration.md` shows:
 * `unit`, `fallback` (only where the default is computed on the machine) and `about`; `credential`
 * marks what executions must never show.
 */
export const settingsSchema = z.object({
  PRESET: z
    .enum(PRESET_NAMES)
    .optional()
    .meta({
      about: `Other defaults, for a worker that takes the place of another system's; every variable that is set wins. ${PRESET_NAMES.map((name) => `\`${name}\`: ${PRESETS[name].about}.`).join(' ')} What each sets: docs/drop-in.md.`,
    }),
  REDIS_URL: z
    .string()
    .regex(/^rediss?(\+(sentinel|cluster))?:\/\/.+/, {
      error:
        'must start with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://',
      abort: true,
    })
    .superRefine((url, ctx) => {
      const message = redisUrlTrouble(url);
      if (message !== null) ctx.addIssue({ code: 'custom', message });
    })
    .optional()
    .meta({
      credential: true,
      fallback: 'an embedded redis-server, for development',
      about:
        'Redis to use. One server: `redis://user:pass@host:6379/0`, with TLS `rediss://…`. Sentinel: `redis+sentinel://host1:26379,host2:26379/mymaster`. Cluster: `redis+cluster://host1:6379,host2:6379`.',
    }),
  REDIS_HOST: z
    .string()
    .regex(/^(?:[^\s/@?:]+|\[?[\da-f.]*:[\da-f.]*:[\da-f:.]*\]?)$/i, {
      error: 'must be a host name or an address, without a port',
    })
    .optional()
    .meta({
      about:
        'With `REDIS_PORT` and `REDIS_PASSWORD`: the Redis to use, for deployments that have no URL. `REDIS_URL` wins. Any of the three is enough; the others are then localhost, 6379 and no password.',
    }),
  REDIS_PORT: whole(1, 65_535).optional().meta({ about: 'See `REDIS_HOST`.' }),
  REDIS_PASSWORD: z.string().optional().meta({ credential: true, about: 'See `REDIS_HOST`.' }),
  KEY_PREFIX: z
    .string()
    .regex(/^[\w:{}.-]*$/, { error: 'may hold letters, digits and _ : . - { } only' })
    .default('')
    .meta({ about: 'Put before every key and channel of ours, and before the prefix of BullMQ.' }),
  QUEUE_NAME: z
    .string()
    .regex(/^[^:\s]+$/, { error: 'must not be empty or hold ":" or blanks' })
    .default('bifrost-executions')
    .meta({ about: 'Work queue. Results go to the queue of the same name with the suffix `-results`.' }),
  FAIR_ORDER: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on').meta({
    about:
      'Whether organizations share the workers by their weights, and whether their caps and rates hold: docs/fair-order.md. All processes must say the same. off: the queue is read in the order of BullMQ, and what caps have held back is released.',
  }),
  WORKER_ID: z
    .string()
    .regex(/^[\w.-]{1,128}$/, { error: 'may hold 1 to 128 letters, digits and _ . - only' })
    .default(() => `${hostname()}-${process.pid}`)
    .meta({ fallback: 'host name and pid', about: 'Name of this worker; `--id` wins.' }),
  WORKER_TYPE: z
    .string()
    .min(1)
    .max(64)
    .default('local')
    .meta({ about: 'Free text shown beside the worker; `--type` wins.' }),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .meta({ about: 'Address of the HTTP API. Any address but loopback needs `API_TOKEN`.' }),
  PORT: whole(0, 65535).optional().meta({
    fallback: '3000, or a free one when 3000 is taken',
    about: 'Port of the HTTP API. 0 takes a free one. A port that is named and taken stops the start.',
  }),
  API_TOKEN: z
    .string()
    .min(16, { error: 'must have at least 16 characters' })
    // Nothing else comes through the header that carries it.
    .regex(/^[\x21-\x7e]*$/, {
      error: 'must have letters, digits and punctuation of ASCII only, without blanks',
    })
    .optional()
    .meta({ credential: true, about: 'Bearer token that every request except the probes must carry.' }),
  CONNECTIONS_WAITING_LIMIT: whole(8, 65_535).default(256).meta({
    about:
      'Connections to the HTTP API that may wait for their client at once: without a whole request, or idle after an answer. Of more, those that have waited for a second are ended, the longest waiting first, with 503 and `Retry-After` when they have had no answer; of four times as many, at once. Where more are open, an answer says that its connection ends. Keep four times as many below the open files that the system allows the process.',
  }),
  CONCURRENCY: whole(1, 1000)
    .default(() => 2 * availableParallelism())
    .meta({ fallback: 'twice the processors', about: 'Executions that run at once on this worker.' }),
  DEFAULT_TIMEOUT_SECONDS: moreThanZero
    .default(300)
    .meta({ unit: 'seconds', about: 'Time limit of an execution that names none.' }),
  MAX_TIMEOUT_SECONDS: moreThanZero.default(3600).meta({
    unit: 'seconds',
    about: 'Longest time limit an execution may ask for; more ends in `INVALID_JOB`.',
  }),
  ZERO_TIMEOUT: z.enum(['refuse', 'longest']).default('refuse').meta({
    about:
      '`timeout_seconds: 0` in a context. `refuse`: ends in `INVALID_JOB`. `longest`: means MAX_TIMEOUT_SECONDS, for producers that write 0 for "no limit".',
  }),
  DRAIN_TIMEOUT_SECONDS: zeroOrMore.default(25).meta({
    unit: 'seconds',
    about:
      'After SIGTERM: how long running executions may go on before they are handed back to the queue. Keep it below the grace period of the orchestrator.',
  }),
  CANARY_SECONDS: zeroOrMore.max(86_400, { error: 'must be at most 86400' }).default(0).meta({
    unit: 'seconds',
    about:
      'A worker that has had nothing to do for this long puts a job of its own on the work queue, which asks for nothing and is gone once it was taken, so that a queue that is no longer read shows in `/health` before there is work. 0: never, the default, since programs that are not this worker may read the queue too, and workers of versions before this one end such a job as invalid.',
  }),
  CANCEL_GRACE_SECONDS: zeroOrMore.max(3600, { error: 'must be at most 3600' }).default(5).meta({
    unit: 'seconds',
    about:
      'After `context.signal` of a cancelled execution has aborted: how long it may take to end by itself before it is killed. Code that never took the signal is killed at once.',
  }),
  RESULT_TTL_SECONDS: whole(60, 31_536_000)
    .default(604_800)
    .meta({ unit: 'seconds', about: 'How long a result stays in Redis.' }),
  LOG_TTL_SECONDS: whole(60, 31_536_000).default(86_400).meta({
    unit: 'seconds',
    about:
      'How long the log stream of an execution stays in Redis after its last entry. The tail in the result stays as long as the result.',
  }),
  LOG_STREAM_LIMIT_BYTES: whole(65_536, 1_073_741_824).default(8_388_608).meta({
    unit: 'bytes',
    about:
      'Memory in Redis that the log stream of one execution may use, about. When it is full, the oldest entries go and an entry of type `truncated` says so.',
  }),
  LOG_READERS_LIMIT: whole(1, 100_000).default(100).meta({
    about:
      'Event streams of logs (`GET /executions/:id/logs`) that one process serves at once; one execution may have a quarter of them. More get 503 with `Retry-After`.',
  }),
  TASK_RESULT: z.enum(['object', 'text']).default('object').meta({
    about:
      '`result` of a task on the result queue. `object`: `{stdout, stderr, exitCode}`. `text`: stdout, for consumers that store text; `errorMessage` then holds stderr, or the reason. See docs/drop-in.md.',
  }),
  RESULT_LIST: z.enum(['sync', 'all']).default('sync').meta({
    about:
      'Which executions also put their result into the list `bifrost:result:{execution_id}`, for a caller that waits there with BLPOP; it expires after 60 seconds. `sync`: those whose context says `sync: true`. `all`: every execution.',
  }),
  EXECUTION_UPDATES: z.enum(['on', 'off']).default('off').meta({
    about:
      '`on`: start, log entries and end of every execution are published on the channel `bifrost:execution:{execution_id}`, in the form of the execution engine: docs/drop-in.md.',
  }),
  LOG_FIELDS: z.enum(['own', 'engine']).default('own').meta({
    about:
      '`engine`: log entries in the stream also have the fields `execution_id`, `timestamp` and `metadata`, and their level is in capitals, as the execution engine reads them.',
  }),
  RESULT_QUEUE: z.enum(['on', 'off']).default('on').meta({
    about:
      '`off`: results do not go to the result queue. For deployments without a consumer of that queue; results are in Redis and in the archive all the same.',
  }),
  RESULT_QUEUE_WARN_LENGTH: whole(1, 1_000_000_000).default(10_000).meta({
    about: 'Above this many results without a consumer, `/health` says `degraded` and what to do.',
  }),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/.+/, { error: 'must start with postgres:// or postgresql://' })
    .optional()
    .meta({
      credential: true,
      fallback: 'an embedded database in ARCHIVE_DIR',
      about:
        'Postgres that keeps the history, version 13 or newer: `postgres://user:pass@host:5432/bifrost`. Give it a database of its own.',
    }),
  ARCHIVE_DIR: z.string().refine(isAbsolute, { error: 'must be an absolute path' }).default(archiveDir).meta({
    fallback: 'the folder `.bifrost/archive` beside what is installed',
    about:
      'Where the embedded database keeps the history when `DATABASE_URL` is not set. Processes of one folder share it.',
  }),
  ARCHIVE_RETENTION_DAYS: whole(0, 36_500).default(365).meta({
    unit: 'days',
    about: 'How long the history is kept: whole months are dropped once all of them is older. 0: for ever.',
  }),
  ARCHIVE_FEED_LENGTH: whole(0, 10_000_000).default(10_000).meta({
    about:
      'This many results wait in Redis for the archive as a stream, at most; the archive fetches what is beyond from the results themselves while those have not expired. A result of up to 16 KiB is in the stream whole. 0: results are not archived.',
  }),
  SEARCH_PARAMETERS: flag.default(false).meta({
    about:
      'Whether `text` of the list and the history looks into the parameters of executions too: the first 4,000 characters of their JSON, without secrets, are kept in the database for it. Of the processes with the role `archive` for what has ended, and with the role `api` for what has not.',
  }),
  ARTIFACTS_DIR: z
    .string()
    .refine(isAbsolute, { error: 'must be an absolute path' })
    .default(artifactsDir)
    .meta({
      fallback: 'the folder `.bifrost/artifacts` beside what is installed',
      about:
        'Where artifacts are kept when `ARTIFACTS_S3_URL` is not set. Workers and API must share it: docs/artifacts.md.',
    }),
  ARTIFACTS_S3_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine((url) => !/^\w+:\/\/[^/]*@|[?#]/.test(url), {
      error: 'must hold neither user nor query: the keys are settings of their own',
    })
    .optional()
    .meta({
      fallback: 'none: artifacts are kept in ARTIFACTS_DIR',
      about:
        'Bucket that keeps artifacts, with any service that speaks the S3 protocol: `https://minio.example.com/bucket`, `https://bucket.s3.eu-central-1.amazonaws.com`, and after that a folder in it.',
    }),
  ARTIFACTS_S3_REGION: z.string().min(1).default('us-east-1').meta({ about: 'Region of the bucket.' }),
  ARTIFACTS_S3_ACCESS_KEY_ID: z.string().min(1).optional().meta({
    about: 'Access key of the bucket.',
  }),
  ARTIFACTS_S3_SECRET_ACCESS_KEY: z.string().min(1).optional().meta({
    credential: true,
    about: 'Secret of that access key.',
  }),
  ARTIFACT_MAX_MB: whole(0, 5_000).default(100).meta({
    unit: 'MB',
    about:
      'What the artifacts of one execution may have together; more is `ARTIFACT_REFUSED`. They lie in its scratch folder first: see `SCRATCH_LIMIT_MB`.',
  }),
  ARTIFACT_MAX_COUNT: whole(0, 10_000).default(100).meta({
    about: 'Artifacts that one execution may leave; more is `ARTIFACT_REFUSED`.',
  }),
  ARTIFACT_LINK_SECONDS: whole(1, 604_800).default(3_600).meta({
    unit: 'seconds',
    about: 'How long the links to artifacts work that the API hands out.',
  }),
  MEMORY_LIMIT_MB: whole(32, 65_536).default(512).meta({
    unit: 'MB',
    about: 'Memory (resident set) of one execution. Above it the runner is killed: `OUT_OF_MEMORY`.',
  }),
  OUTPUT_LIMIT_BYTES: whole(1024, 67_108_864).default(4_194_304).meta({
    unit: 'bytes',
    about:
      'How many of the newest bytes of stdout and of stderr are kept, with a mark where something was cut, and of the log entries in the result at most 1 MiB. The returned value may have this size too. An execution that writes 16 times this size is killed: `OUTPUT_LIMIT`. See docs/results.md#limits-of-values.',
  }),
  COMPILE_CPU_SECONDS: moreThanZero.default(5).meta({
    unit: 'seconds',
    about:
      'CPU time that compiling one source may take. Above it that source is refused: `COMPILE_LIMIT`. What compiling takes also counts into the time limit of the execution.',
  }),
  COMPILE_MEMORY_MB: whole(128, 65_536).default(384).meta({
    unit: 'MB',
    about: 'Memory that compiling one source may take. Above it that source is refused: `COMPILE_LIMIT`.',
  }),
  COMPILE_OUTPUT_LIMIT_BYTES: whole(65_536, 67_108_864).default(1_048_576).meta({
    unit: 'bytes',
    about:
      'How much larger than eight times its source compiled code may be. Above it that source is refused: `COMPILE_LIMIT`.',
  }),
  CPU_LIMIT_SECONDS: moreThanZero.optional().meta({
    unit: 'seconds',
    fallback: 'none; the time limit ends everything',
    about: 'CPU time of one execution, of all its threads. Above it the runner is killed: `TIMED_OUT`.',
  }),
  FILE_SIZE_LIMIT_MB: whole(1, 1_048_576).default(1024).meta({
    unit: 'MB',
    about: 'Largest file that an execution may write. Beyond it a write fails with EFBIG: `OUTPUT_LIMIT`.',
  }),
  OPEN_FILES_LIMIT: whole(64, 1_048_576).default(1024).meta({
    about:
      'Files and connections that an execution may have open at once, some 30 of which Node needs. Beyond it opening fails with EMFILE.',
  }),
  CODE_LIMIT_BYTES: whole(1024, 16_777_216)
    .default(1_048_576)
    .meta({ unit: 'bytes', about: 'Largest inline source; more ends in `INVALID_JOB`.' }),
  SPARE_RUNNERS: whole(0, 256).optional().meta({
    fallback: 'as many as CONCURRENCY, at most 8',
    about: 'Runners that are booted ahead, so that an execution does not wait for a process to start.',
  }),
  RUNNER: z
    .enum(RUNNER_KINDS)
    .default('process')
    .meta({
      about: RUNNER_KINDS.map((kind) => `\`${kind}\`: ${KIND_RULES[kind].about}.`).join(' '),
    }),
  RUNNER_MAX_EXECUTIONS: whole(0, 1_000_000).default(1).meta({
    about:
      'A runner is replaced after this many executions. 1: every execution gets a fresh one. 0: never. A reused runner serves one organization, one workspace generation and one package set.',
  }),
  RUNNER_REUSE_WITHOUT_ORGANIZATION: flag.default(false).meta({
    about:
      '`true`: with `RUNNER_MAX_EXECUTIONS` other than 1, executions without an `organization`, all tasks among them, share runners as if they were of one organization. `false`: each of them has a process or thread that no other execution had or gets.',
  }),
  RUNNER_LOOK_EVERY: whole(1, 1_000).default(8).meta({
    about:
      'A runner that is reused is looked over for changed globals, intrinsics and built-in modules after each of its first eight executions, then each time after this many. 1: after each. What is left open, listeners, files and exit codes are looked for after each in any case.',
  }),
  RUNNER_THREADS: whole(1, 64).default(4).meta({
    about: 'Threads of one process with `RUNNER=thread`. `CONCURRENCY` is rounded up to whole processes.',
  }),
  RUNNER_START: z.enum(['auto', 'fork', 'spawn']).default('auto').meta({
    about:
      '`spawn`: Node is started for each runner. `fork`: runners are forked of a warm template, at a fraction of the CPU; where that does not work the worker does not start. `auto`: forked where that works and the self-test of the isolation comes to the same grade, started in every doubt; `/health` and `bifrost doctor` say which and why. See docs/runners.md.',
  }),
  TEMPLATE_MAX_CHILDREN: whole(1, 1_000_000).default(1000).meta({
    about:
      'A template is replaced after this many runners were forked of it. All of them have the same layout of memory: fewer makes that worth less to an attacker, more saves the second of CPU that a template costs.',
  }),
  TEMPLATE_MAX_AGE_SECONDS: whole(1, 31_536_000).default(3600).meta({
    unit: 'seconds',
    about: 'A template that is older is replaced; what was forked of it ends first.',
  }),
  TRUSTED_CODE: flag.default(false).meta({
    about:
      '`true`: you trust all code that runs here with the data of all other code. `RUNNER=thread` needs it.',
  }),
  ISOLATION: z.enum(['auto', 'namespace', 'process', 'thread']).default('auto').meta({
    about:
      '`namespace`: each runner in namespaces of its own (bubblewrap). `process`: no namespaces, but a user of its own under root, and no rights. `auto`: the strongest of these that works here. A level that is named and does not work stops the start. `thread`: as `RUNNER=thread`, which has no other level. See docs/security-model.md.',
  }),
  NATIVE_ADDONS: z.enum(['off', 'on']).default('off').meta({
    about:
      '`on`: packages may load the native binaries that they ship (`.node` files), such as those of bcrypt, argon2 and better-sqlite3. Only at the level `namespace`, which `ISOLATION=auto` then insists on, and with `RUNNER_MAX_EXECUTIONS=1`. Native code is kept by the kernel alone. See docs/security-model.md#native-add-ons.',
  }),
  ISOLATION_REQUIRED_GRADE: z.enum(ISOLATION_GRADES).optional().meta({
    fallback: 'none: the worker starts with what it has',
    about:
      'Least grade that the self-test of the isolation must come to, `A` to `D`; a worker below it ends with exit code 78 instead of taking work. See docs/security-model.md#grades.',
  }),
  NETWORK: z.enum(NETWORK_POLICIES).optional().meta({
    fallback: '`none`; `open` for threads',
    about:
      'Most network that user code may have; an execution may ask for less. `none`: no socket of any kind. `proxy`: connections through the worker, to what `NETWORK_ALLOW` names. `open`: TCP and UDP as the machine has it, which may include Redis: give that a password then. See docs/network.md.',
  }),
  NETWORK_ALLOW: networkAllow.meta({
    about:
      'What the network `proxy` reaches, separated by commas. `*`: every host with a public address. `api.example.com`, `*.example.com` (those below it): these hosts, at public addresses. `wiki.example.com/private`: this host wherever it leads. `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`: these addresses. Each for the ports 80 and 443, or for the one that follows: `api.example.com:8443`, `10.1.0.0/16:8080`, `[fd00::1]:*`. Link-local addresses with the metadata services of clouds, Redis, the database and the port of the worker are never reached.',
  }),
  NETWORK_CONNECTIONS_LIMIT: whole(1, 4096).default(64).meta({
    about: 'Connections that an execution may have open at once at the network `proxy`; more are refused.',
  }),
  NETWORK_TRANSFER_LIMIT_MB: whole(1, 1_048_576).default(1024).meta({
    unit: 'MB',
    about:
      'What an execution may send and receive, together, at the network `proxy`; then its connections end.',
  }),
  NETWORK_IDLE_SECONDS: whole(1, 86_400).default(300).meta({
    unit: 'seconds',
    about: 'At the network `proxy` a connection is closed when it was idle for this time.',
  }),
  SCRATCH_LIMIT_MB: whole(1, 65_536).default(128).meta({
    unit: 'MB',
    about:
      'What an execution may keep in its scratch folder, each file counted with 1 KiB more. At the level `namespace` the folder is in memory, beside `MEMORY_LIMIT_MB`.',
  }),
  RUNNER_MAX_AGE_SECONDS: whole(1, 31_536_000).default(3600).meta({
    unit: 'seconds',
    about: 'A reused runner that is older is replaced after its execution.',
  }),
  RUNNER_RECYCLE_MEMORY_MB: whole(64, 65_536).default(384).meta({
    unit: 'MB',
    about: 'A reused runner whose process keeps more memory after an execution is replaced.',
  }),
  PACKAGES_DIR: z
    .string()
    .refine(isAbsolute, { error: 'must be an absolute path' })
    .default(packagesDir)
    .meta({
      fallback: '`/var/cache/bifrost/packages` for root, otherwise `~/.cache/bifrost/packages`',
      about: 'Where npm package sets are installed. Workers of one machine may share it.',
    }),
  PACKAGES_MAX: whole(1, 10_000).default(200).meta({
    about: 'Most packages one manifest may name; what is beyond is refused: `PACKAGE_REFUSED`.',
  }),
  PACKAGES_INSTALL_TIMEOUT_SECONDS: whole(1, 3600)
    .default(300)
    .meta({ unit: 'seconds', about: 'After this time npm is killed and the install counts as failed.' }),
  PACKAGES_KEEP_DAYS: zeroOrMore
    .default(14)
    .meta({ unit: 'days', about: 'A package set that was unused for this time is removed.' }),
  PACKAGES_MAX_BYTES: whole(0, Number.MAX_SAFE_INTEGER).default(5_368_709_120).meta({
    unit: 'bytes',
    about:
      'When all package sets together are larger, those unused for longest are removed; never one that is in use.',
  }),
  NPM_REGISTRY: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine((url) => !/^\w+:\/\/[^/]*@/.test(url), {
      error: 'must hold no user or password: put the token into NPM_TOKEN',
    })
    .optional()
    .meta({
      fallback: "what the machine's npm is configured to use",
      about: 'Registry that packages come from.',
    }),
  NPM_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'must be printable ASCII without blanks' })
    .optional()
    .meta({ credential: true, about: 'Access token for the registry. User code and logs never see it.' }),
  JOB_SIGNING_KEY: z
    .string()
    .refine((list) => signingKeys(list).length > 0 && signingKeys(list).every((key) => key.length >= 32), {
      error: 'must be one key of at least 32 characters, or several, separated by commas',
    })
    .optional()
    .meta({
      credential: true,
      about:
        'With it, jobs and contexts that are not signed by this key end in `INVALID_JOB`. Of several, separated by commas, the first signs what the HTTP API submits, and all are accepted. Without it, everyone with write access to the queue can run code: docs/signed-jobs.md.',
    }),
  SECRETS_KEY: z
    .string()
    .superRefine((list, ctx) => {
      const trouble = troubleOfSecretKeys(list);
      if (trouble !== null) ctx.addIssue({ code: 'custom', message: trouble });
    })
    .optional()
    .meta({
      credential: true,
      about:
        'Key of the secrets store: 32 bytes in base64 or hexadecimal digits, as `openssl rand -base64 32` prints them. Of several, separated by commas, the first encrypts and all decrypt, which is how keys are rotated: [tenants.md](tenants.md#secrets). API and workers need it; without it no secret can be kept or used.',
    }),
  WEBHOOK_SECRETS: z
    .string()
    .regex(/^\s*whsec_[A-Za-z0-9+/]{32,}={0,2}\s*(,\s*whsec_[A-Za-z0-9+/]{32,}={0,2}\s*)*$/, {
      error: 'must be whsec_ and at least 24 bytes in base64, or several such, separated by commas',
    })
    .optional()
    .meta({
      credential: true,
      fallback: 'none: webhooks are refused',
      about:
        'Secrets of webhooks, as Standard Webhooks has them: `whsec_` and at least 24 bytes in base64. Messages carry a signature of each, so that one can be replaced. Both workers and the API need them. See docs/webhooks.md.',
    }),
  WEBHOOK_ENDPOINTS: z
    .string()
    .regex(/^\s*[\w.-]+=https?:\/\/[^,\s]+\s*(,\s*[\w.-]+=https?:\/\/[^,\s]+\s*)*$/, {
      error: 'must be name=URL pairs, separated by commas',
    })
    .optional()
    .meta({
      credential: true,
      fallback: 'none',
      about:
        'Receivers of webhooks by name, such as `crm=https://crm.example.com/hooks`, for `webhook: {endpoint: "crm"}`.',
    }),
  WEBHOOK_ALLOW: networkAllow.meta({
    about:
      'Where receivers of webhooks may be, as `NETWORK_ALLOW` says it. By default every host with a public address, at the ports 80 and 443.',
  }),
  WEBHOOK_ATTEMPTS: whole(1, 100).default(12).meta({
    about: 'How often a message is sent while its receiver does not take it.',
  }),
  WEBHOOK_BACKOFF_SECONDS: moreThanZero.max(3600, { error: 'must be at most 3600' }).default(5).meta({
    unit: 'seconds',
    about:
      'Pause after the first attempt that failed; each further one is twice as long. With 12 attempts the last is after about three hours.',
  }),
  WORKSPACE_PATH: z
    .string()
    .regex(/^\/(?:[^/\\\p{Cc}]+\/?)+$/u, { error: 'must be an absolute path' })
    .default('/tmp/bifrost/workspace')
    .meta({
      about:
        'Folder in which workspace modules appear to lie: in `import.meta.url`, `__dirname` and stack traces. Nothing is written there.',
    }),
  WORKSPACE_SOURCE: z.enum(['generations', 'modules']).default('generations').meta({
    about:
      'Where workspace modules come from. `generations`: what was published to the workspace. `modules`: the keys `bifrost:module:{path}` that another program writes, as they are when an execution begins; nothing can be published then. See docs/drop-in.md.',
  }),
  ROLES: list(['worker', 'api', 'archive']).default(['worker', 'api', 'archive']).meta({
    about:
      'What this process does: `worker` runs executions, `api` answers the HTTP API, `archive` saves results to the database. Probes are always there.',
  }),
  METRICS_ACCESS: z.enum(['token', 'open']).default('token').meta({
    about:
      'Access to `/metrics`. `token`: as the rest of the API; `open`: every client that reaches it, without `API_TOKEN`.',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .meta({
      fallback: 'none: nothing is traced',
      about:
        'OpenTelemetry collector that traces go to, by OTLP over HTTP: `http://collector:4318` (`/v1/traces` is appended).',
    }),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,]*(,\s*[\w-]+=[^,]*)*$/, {
      error: 'must be name=value pairs with commas between them',
    })
    .optional()
    .meta({
      credential: true,
      about: 'Headers for the collector, such as `authorization=Bearer%20…`; values are percent-encoded.',
    }),
  OTEL_SERVICE_NAME: z.string().default('bifrost-worker').meta({ about: 'Name of this service in traces.' }),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number({ error: 'must be a number from 0 to 1' })
    .min(0, { error: 'must be a number from 0 to 1' })
    .max(1, { error: 'must be a number from 0 to 1' })
    .default(1)
    .meta({
      about:
        'Share of traces that are recorded, of those that begin here; others are as their beginner decided.',
    }),
  LAUNCHER_PID: whole(2, 4_194_304).optional().meta({
    about:
      'Set by `npm start`: when this process is gone the worker drains and ends, instead of living on unseen.',
  }),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .meta({ about: "Least level of the worker's own log." }),
  LOG_FORMAT: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .meta({ about: '`auto`: pretty in a terminal, JSON lines otherwise.' }),
});

/** All settings of a worker, parsed and frozen. Names and units are those of the environment variables. */
export type Settings = Readonly<z.infer<typeof settingsSchema>>;

/** What this process does. */
export type Roles = Settings['ROLES'];

/** The environment cannot be used; `message` lists every problem, one a line. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/** Exit code for that, of sysexits.h: something was found in an unconfigured or misconfigured state. */
export const EX_CONFIG = 78;

// Also where other variables are bad already, so that one message lists everything.
const always = (): boolean => true;

type Placed = Pick<Settings, 'RUNNER' | 'ISOLATION'>;

/** Of a value that is no kind, which is a problem of its own, nothing is said. */
const keepsApart = (kind: RunnerKindName): boolean =>
  (KIND_RULES as Partial<typeof KIND_RULES>)[kind]?.keepsApart ?? true;

/** The kind that is meant by the name of a level which no kind has that keeps executions apart. */
const kindAtLevel = (level: Settings['ISOLATION']): RunnerKindName | undefined =>
  RUNNER_KINDS.find((kind) => !keepsApart(kind) && KIND_RULES[kind].levels.some((one) => one === level));

/** Executions can reach each other's data. */
const areTogether = ({ RUNNER, ISOLATION }: Placed): boolean =>
  kindAtLevel(ISOLATION) !== undefined || !keepsApart(RUNNER);

const checked = settingsSchema
  .refine(({ HOST, API_TOKEN }) => API_TOKEN !== undefined || LOOPBACK.has(HOST), {
    path: ['API_TOKEN'],
    error: 'must be set when HOST is not loopback: the API runs code for every client that reaches it',
    when: always,
  })
  .refine(({ DEFAULT_TIMEOUT_SECONDS: usual, MAX_TIMEOUT_SECONDS: longest }) => !(usual > longest), {
    path: ['DEFAULT_TIMEOUT_SECONDS'],
    error: 'must not be more than MAX_TIMEOUT_SECONDS',
    when: always,
  })
  .refine(
    ({ RUNNER, ISOLATION }) =>
      keepsApart(RUNNER) || ISOLATION === 'auto' || kindAtLevel(ISOLATION) === RUNNER,
    {
      path: ['ISOLATION'],
      error:
        'must be auto or thread for RUNNER=thread: threads of one process cannot be kept from each other',
      when: always,
    },
  )
  .refine((settings) => settings.NETWORK !== 'proxy' || !areTogether(settings), {
    path: ['NETWORK'],
    error:
      'must be none or open for RUNNER=thread and ISOLATION=thread: threads of one process share its network, so that nothing can make them go through the worker',
    when: always,
  })
  .refine(({ WORKSPACE_SOURCE: source, RUNNER_MAX_EXECUTIONS: uses }) => source !== 'modules' || uses === 1, {
    path: ['RUNNER_MAX_EXECUTIONS'],
    error:
      'must be 1 for WORKSPACE_SOURCE=modules: a module may change between two executions, and a reused runner would keep the one it has loaded',
    when: always,
  })
  .refine((settings) => settings.RUNNER_START !== 'fork' || !areTogether(settings), {
    path: ['RUNNER_START'],
    error: 'must be auto or spawn for RUNNER=thread and ISOLATION=thread: a host of threads is not forked',
    when: always,
  })
  .refine(
    (settings) =>
      settings.NATIVE_ADDONS !== 'on' || !(areTogether(settings) || settings.ISOLATION === 'process'),
    {
      path: ['NATIVE_ADDONS'],
      error:
        'must be off for ISOLATION=process, ISOLATION=thread and RUNNER=thread: only namespaces keep native code from the machine',
      when: always,
    },
  )
  .refine(
    ({ NATIVE_ADDONS: addons, RUNNER_MAX_EXECUTIONS: uses }) =>
      addons !== 'on' || uses === undefined || uses === 1,
    {
      path: ['RUNNER_MAX_EXECUTIONS'],
      error:
        'must be 1 for NATIVE_ADDONS=on: what native code of one execution leaves in the process, nothing can take away before the next',
      when: always,
    },
  )
  .refine(({ NATIVE_ADDONS: addons, RUNNER_START: start }) => addons !== 'on' || start !== 'fork', {
    path: ['RUNNER_START'],
    error: 'must be auto or spawn for NATIVE_ADDONS=on: a template loads no native code of packages',
    when: always,
  })
  .refine((settings) => !areTogether(settings) || settings.TRUSTED_CODE, {
    path: ['TRUSTED_CODE'],
    error:
      'must be true for RUNNER=thread and ISOLATION=thread: threads of one process can read and change the data of each other',
    when: always,
  });

/** What follows from several settings: a level of isolation that is also a kind of runner means both. */
const completed = (settings: Settings): Settings => ({
  ...settings,
  REDIS_URL: settings.REDIS_URL ?? redisUrlOf(settings),
  RUNNER: kindAtLevel(settings.ISOLATION) ?? settings.RUNNER,
});

/** The names of the settings that hold credentials. */
export const credentialNames: ReadonlySet<string> = new Set(
  Object.entries(settingsSchema.shape).flatMap(([name, row]) => (row.meta()?.['credential'] ? [name] : [])),
);

const NAMES: SettingNames = { all: Object.keys(settingsSchema.shape), credentials: credentialNames };

/**
 * Parses environment variables into settings, as `readEnvironment` finds them.
 * @param options of a command line, which win.
 * @param onRemark called with what is probably meant otherwise than it is read, one sentence each.
 * @throws {SettingsError} naming every bad variable at once, with its value unless that is a credential.
 */
export function parseSettings(
  env: Readonly<Record<string, string | undefined>>,
  options: Readonly<Record<string, string | undefined>> = {},
  onRemark: (remark: string) => void = () => undefined,
): Settings {
  const { values, spellings, problems, remarks } = readEnvironment(env, NAMES);
  for (const remark of remarks) onRemark(remark);
  for (const [name, value] of Object.entries(options)) if (value !== undefined) values[name] = value;
  const parsed = checked.safeParse(
    { ...presetDefaults(values['PRESET']), ...values },
    { error: allowedByIssue },
  );
  if (parsed.success && problems.length === 0) return Object.freeze(completed(parsed.data));
  const lines = [
    ...problems.map(({ name, message }) => `  ${name}: ${message}`),
    ...(parsed.error?.issues ?? []).map((issue) => {
      const name = String(issue.path[0]);
      return `  ${spellings[name] ?? name}: ${withValue(issue.message, NAMES.credentials.has(name) ? undefined : values[name])}`;
    }),
  ];
  throw new SettingsError(
    `The configuration cannot be used:\n${lines.join('\n')}\nSee docs/configuration.md for every variable.`,
  );
}
