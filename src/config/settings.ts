import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] });
const list = <const T extends readonly [string, ...string[]]>(names: T) =>
  z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .pipe(z.array(z.enum(names)).min(1));

/**
 * The one table of environment variables. Each row carries what `docs/configuration.md` shows:
 * `unit`, `fallback` (only where the default is computed on the machine) and `about`.
 */
export const settingsSchema = z.object({
  REDIS_URL: z
    .string()
    .regex(/^rediss?(\+(sentinel|cluster))?:\/\/.+/, {
      error:
        'must start with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://',
    })
    .optional()
    .meta({
      fallback: 'an embedded redis-server, for development',
      about:
        'Redis to use. One server: `redis://user:pass@host:6379/0`, with TLS `rediss://…`. Sentinel: `redis+sentinel://host1:26379,host2:26379/mymaster`. Cluster: `redis+cluster://host1:6379,host2:6379`.',
    }),
  KEY_PREFIX: z
    .string()
    .regex(/^[\w:{}.-]*$/, { error: 'may hold letters, digits and _ : . - { } only' })
    .default('')
    .meta({ about: 'Put before every key and channel of ours, and before the prefix of BullMQ.' }),
  QUEUE_NAME: z
    .string()
    .regex(/^[^:\s]+$/, { error: 'must not be empty or hold ":" or blanks' })
    .default('bifrost-executions')
    .meta({ about: 'Work queue. Results go to the queue of the same name with `-results` behind it.' }),
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
    .optional()
    .meta({ about: 'Bearer token that every request except the probes must carry.' }),
  CONCURRENCY: whole(1, 1000)
    .default(() => 2 * availableParallelism())
    .meta({ fallback: 'twice the processors', about: 'Executions that run at once on this worker.' }),
  DEFAULT_TIMEOUT_SECONDS: z.coerce
    .number()
    .positive()
    .default(300)
    .meta({ unit: 'seconds', about: 'Time limit of an execution that names none.' }),
  MAX_TIMEOUT_SECONDS: z.coerce
    .number()
    .positive()
    .default(3600)
    .meta({
      unit: 'seconds',
      about: 'Longest time limit an execution may ask for; more ends in `INVALID_JOB`.',
    }),
  DRAIN_TIMEOUT_SECONDS: z.coerce.number().min(0).default(25).meta({
    unit: 'seconds',
    about:
      'After SIGTERM: how long running executions may go on before they are handed back to the queue. Keep it below the grace period of the orchestrator.',
  }),
  RESULT_TTL_SECONDS: whole(60, 31_536_000)
    .default(604_800)
    .meta({ unit: 'seconds', about: 'How long a result stays in Redis.' }),
  MEMORY_LIMIT_MB: whole(32, 65_536)
    .default(512)
    .meta({
      unit: 'MB',
      about: 'Memory (resident set) of one execution. Above it the runner is killed: `OUT_OF_MEMORY`.',
    }),
  OUTPUT_LIMIT_BYTES: whole(1024, 67_108_864).default(4_194_304).meta({
    unit: 'bytes',
    about:
      'Of stdout, of stderr and of the logs the newest so many bytes are kept, with a mark where something was cut. The returned value may have this size too. An execution that writes 16 times as much is killed: `OUTPUT_LIMIT`.',
  }),
  CODE_LIMIT_BYTES: whole(1024, 16_777_216)
    .default(1_048_576)
    .meta({ unit: 'bytes', about: 'Largest inline source; more ends in `INVALID_JOB`.' }),
  SPARE_RUNNERS: whole(0, 256).optional().meta({
    fallback: 'as many as CONCURRENCY, at most 8',
    about: 'Runners that are booted ahead, so that an execution does not wait for a process to start.',
  }),
  ROLES: list(['worker', 'api']).default(['worker', 'api']).meta({
    fallback: 'worker,api',
    about:
      'What this process does: `worker` runs executions, `api` answers the HTTP API. Probes are always there.',
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

/** The environment cannot be used; `message` lists every problem, one a line. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

const checked = settingsSchema.superRefine((settings, ctx) => {
  if (!LOOPBACK.has(settings.HOST) && settings.API_TOKEN === undefined) {
    ctx.addIssue({
      code: 'custom',
      path: ['API_TOKEN'],
      message: `must be set when HOST is ${settings.HOST}: the API runs code, and anybody who reaches it could. Set a token or HOST=127.0.0.1`,
    });
  }
  if (settings.DEFAULT_TIMEOUT_SECONDS > settings.MAX_TIMEOUT_SECONDS) {
    ctx.addIssue({
      code: 'custom',
      path: ['DEFAULT_TIMEOUT_SECONDS'],
      message: `is ${settings.DEFAULT_TIMEOUT_SECONDS}, more than MAX_TIMEOUT_SECONDS (${settings.MAX_TIMEOUT_SECONDS})`,
    });
  }
});

/**
 * Parses environment variables into settings. An empty variable counts as not set.
 * @throws {SettingsError} naming every bad variable at once.
 */
export function parseSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = checked.safeParse(present);
  if (parsed.success) return Object.freeze(parsed.data);
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new SettingsError(
    `The configuration cannot be used:\n${lines.join('\n')}\nSee docs/configuration.md for every variable.`,
  );
}
