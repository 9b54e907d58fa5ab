import { z } from 'zod';
import { idSchema } from './ids.js';
import { nextCursor } from './fields/next-cursor.js';
import { NETWORK_POLICIES } from './confinement.js';

/** Share of slot time of an organization that has no record. */
export const DEFAULT_WEIGHT = 1;
const MOST_RUNNING = 100_000;
const MOST_WORKFLOWS = 1_000;
const MOST_HOSTS = 256;
const LONGEST_RATE_SECONDS = 86_400;

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const above = (unit: string, max: number) => {
  const error = `must be ${unit}, more than 0 and at most ${max}`;
  return z.number({ error }).positive({ error }).max(max, { error });
};

/** Executions that may run at once. */
const maxRunning = whole(1, MOST_RUNNING);

/** How many executions may start within a time. */
export const rateSchema = z.object({
  executions: whole(1, 1_000_000).meta({ description: 'Executions that may start' }),
  per_seconds: whole(1, LONGEST_RATE_SECONDS).meta({ description: 'Within any span of this many seconds' }),
});

/** What holds for one workflow of an organization, by its `workflow_id`. */
export const workflowCapSchema = z.object({ max_running: maxRunning });

/** Caps of the workflows of an organization. @param cap how each of them is read */
export const workflowCaps = <T extends z.ZodType>(cap: T) =>
  z
    .record(idSchema, cap, { error: 'must be an object of workflow ids' })
    .refine((workflows) => Object.keys(workflows).length <= MOST_WORKFLOWS, {
      error: `must have at most ${MOST_WORKFLOWS} workflows`,
    })
    .default({});

/** What is counted of an organization each day (UTC). */
export const QUOTAS = ['cpu_seconds', 'executions', 'network_bytes', 'artifact_bytes'] as const;
export type QuotaName = (typeof QUOTAS)[number];

/** What becomes of new work above a quota. */
export const QUOTA_ACTIONS = ['refuse', 'slow'] as const;
export type QuotaAction = (typeof QUOTA_ACTIONS)[number];

/** The most of one thing in a day, and what happens above it. */
export const quotaSchema = z.object({
  limit: z
    .number({ error: 'must be a number' })
    .min(0, { error: 'must be at least 0' })
    .max(Number.MAX_SAFE_INTEGER, { error: `must be at most ${Number.MAX_SAFE_INTEGER}` }),
  action: z
    .enum(QUOTA_ACTIONS, { error: `must be one of ${QUOTA_ACTIONS.join(', ')}` })
    .default('refuse')
    .meta({ description: 'refuse: new work is refused until the next day; slow: it is slowed down' }),
});
export type Quota = z.infer<typeof quotaSchema>;

export const quotasSchema = z.object({
  cpu_seconds: quotaSchema.nullish(),
  executions: quotaSchema.nullish(),
  network_bytes: quotaSchema.nullish(),
  artifact_bytes: quotaSchema.nullish(),
} satisfies Record<QuotaName, unknown>);

/** Limits of each execution. They only ever narrow what the worker gives to all. */
export const organizationLimitsSchema = z.object({
  memory_mb: whole(16, 1_048_576).nullish().meta({ description: 'Below MEMORY_LIMIT_MB' }),
  timeout_seconds: above('a number of seconds', 31_536_000).nullish().meta({
    description:
      'Longest time limit that an execution may ask for, below MAX_TIMEOUT_SECONDS; also the default',
  }),
  output_bytes: whole(1, Number.MAX_SAFE_INTEGER).nullish().meta({ description: 'Below OUTPUT_LIMIT_BYTES' }),
  network: z
    .enum(NETWORK_POLICIES, { error: `must be one of ${NETWORK_POLICIES.join(', ')}` })
    .nullish()
    .meta({ description: 'The most network that its code may have' }),
  network_allow: z
    .array(z.string({ error: 'must be a string' }).min(1, { error: 'must not be empty' }), {
      error: 'must be a list of hosts and addresses',
    })
    .max(MOST_HOSTS, { error: `must have at most ${MOST_HOSTS} entries` })
    .nullish()
    .meta({
      description:
        'Hosts and addresses that its code may reach through the proxy, of those that NETWORK_ALLOW lets through; each as an entry of NETWORK_ALLOW',
    }),
  native_addons: z
    .boolean({ error: 'must be true or false' })
    .nullish()
    .meta({ description: 'false: its code loads no native code of packages, also where NATIVE_ADDONS=on' }),
});
export type OrganizationLimits = z.infer<typeof organizationLimitsSchema>;

/** What an operator sets of an organization. What is left out is as in one that has no record. */
export const organizationSettingsSchema = z.object({
  weight: whole(1, 1_000)
    .default(DEFAULT_WEIGHT)
    .meta({ description: 'Its share of slot time, beside the weights of the others that wait' }),
  max_running: maxRunning.nullish().meta({ description: 'Executions that run at once, over all workers' }),
  rate: rateSchema.nullish(),
  workflows: workflowCaps(workflowCapSchema).meta({ description: 'By workflow_id' }),
  quotas: quotasSchema.default({}).meta({ description: 'For each day (UTC)' }),
  limits: organizationLimitsSchema.default({}).meta({ description: 'Of each of its executions' }),
});
export type OrganizationSettings = z.infer<typeof organizationSettingsSchema>;

const when = z.string().nullable().meta({ description: 'ISO 8601 time, UTC; null: nothing is set' });

/** An organization, as it is kept in the hash `bifrost:organizations` and answered. */
export const organizationSchema = organizationSettingsSchema
  .extend({ id: z.string(), created_at: when, updated_at: when })
  .meta({ id: 'Organization' });
export type Organization = z.infer<typeof organizationSchema>;

/** A page of `GET /organizations`, by id. */
export const organizationsSchema = z
  .object({
    organizations: z.array(organizationSchema),
    next_cursor: nextCursor,
  })
  .meta({ id: 'Organizations' });
export type Organizations = z.infer<typeof organizationsSchema>;

/** Answer of `DELETE /organizations/:id`. */
export const removedOrganizationSchema = z
  .object({ id: z.string(), removed: z.literal(true) })
  .meta({ id: 'RemovedOrganization' });
export type RemovedOrganization = z.infer<typeof removedOrganizationSchema>;

/** An organization of which nothing is set. */
export const unsetOrganization = (id: string): Organization => ({
  ...organizationSettingsSchema.parse({}),
  id,
  created_at: null,
  updated_at: null,
});
