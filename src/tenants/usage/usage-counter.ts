import { Inject, Injectable } from '@nestjs/common';
import type { ExecutionResult } from '../../contract/result.js';
import { USAGE_DAYS } from '../../contract/tenants/usage.js';
import type { RedisClient } from '../../redis/connections.js';
import { GatheredScript } from '../../redis/gathered-script.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { Quotas } from './quotas.js';
import { type UsageCounts, COUNTERS, dayIn, FIELDS, fieldsOf } from './usage-day.js';

const KEPT_SECONDS = (USAGE_DAYS + 1) * 86_400;
/** Marks go up with each run and attempt. */
const ATTEMPTS_OF_A_RUN = 1_000_000;
/** On Cluster: how long an execution that was counted is remembered beside the counters. */
const REMEMBERED_SECONDS = 3_600;

/** Lua: adds to the counters of a day. args: from the third on the fields, after which the amounts follow. */
const ADD = `
local function add(key, args, ttl)
  local isNew = false
  for i = 3, ${2 + COUNTERS.length} do
    local amount = tonumber(args[i + ${COUNTERS.length}])
    if amount ~= 0 then isNew = redis.call('HINCRBY', key, args[i], amount) == amount or isNew end
  end
  -- The first counter of a day is a new one.
  if isNew and redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, ttl) end
end
`;

/**
 * Lua: counts an execution, as {@link COUNT} says, with its args. counted: what the ledger has of it; to fields is added what the
 * ledger is to remember.
 */
export const COUNTING = `${ADD}
local function count(fields, counted, day, args)
  if tonumber(counted or '0') >= tonumber(args[1]) then return 0 end
  add(day, args, args[2])
  fields[#fields + 1], fields[#fields + 2] = 'counted', args[1]
  return 1
end
`;

/** Lua: the args of {@link COUNTING}, of expressions that have the mark, the organization and the amounts. */
export const countArgs = (mark: string, organization: string, amounts: readonly string[]): string => {
  const fields = Object.values(FIELDS).map((prefix) => `'${prefix}' .. ${organization}`);
  return `{${[mark, KEPT_SECONDS, ...fields, ...amounts].join(', ')}}`;
};

/** Arguments that {@link ADD} takes. */
const ADDED = 2 * COUNTERS.length;
/** How many arguments {@link COUNT} takes. */
const COUNT_ARGS = 2 + ADDED;

/** KEYS ledger, day; ARGV mark, ttl, fields, amounts -> 1 when it was counted now: the ledger remembers what was counted of an execution */
export const COUNT = new GatheredScript(
  `${COUNTING}
local fields = {}
local isCounted = count(fields, redis.call('HGET', KEYS[1], 'counted'), KEYS[2], ARGV)
if isCounted == 1 and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(fields)) end
return isCounted
`,
  { keys: 2, args: COUNT_ARGS },
);

/** KEYS day, sorted set of what was counted lately; ARGV execution and mark, ttl, fields, amounts -> as COUNT, for Cluster, where the ledger is elsewhere */
const COUNT_APART = new GatheredScript(
  `${ADD}
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ${REMEMBERED_SECONDS})
if redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[2], ${REMEMBERED_SECONDS})
add(KEYS[1], ARGV, ARGV[2])
return 1
`,
  { keys: 2, args: COUNT_ARGS },
);

/** What is counted of an execution. */
export interface CountInput {
  /** YYYY-MM-DD (UTC). */
  day: string;
  organization: string;
  /** Run and attempt up to which it is counted then. */
  mark: number;
  amounts: UsageAmounts;
}

/** How much of each, in the order of {@link COUNTERS}. */
export type UsageAmounts = readonly [
  executions: number,
  cpuMs: number,
  networkBytes: number,
  artifactBytes: number,
];

/** Which part of an execution is counted. */
type Part = 'whole' | 'failed attempt';

/**
 * Adds what an execution used to the counters of its organization and day (UTC), each attempt once:
 * 1. The script that adds also marks in the ledger what was counted, and does nothing for what has its mark. A worker
 *    that dies before has its job come again, and the result is sent, and so counted, by the next.
 * 2. On Cluster, where ledger and counters lie on different servers, executions are remembered beside the counters,
 *    for an hour: one that is sent again later than that would count twice.
 */
@Injectable()
export class UsageCounter {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly quotas: Quotas,
  ) {}

  /** Counts an execution that has ended. The same one again does no harm. */
  async countEnd(result: ExecutionResult): Promise<void> {
    await this.count(result, 'whole');
  }

  /** Counts what an attempt used after which another one follows. */
  async countAttempt(result: ExecutionResult): Promise<void> {
    await this.count(result, 'failed attempt');
  }

  /** What is counted of an execution that has ended; null: nothing is. */
  inputOf(result: ExecutionResult, part: Part = 'whole'): CountInput | null {
    const organization = result.organization?.id;
    if (organization === undefined) return null;
    const { executions, cpuMs, networkBytes, artifactBytes } = amountsOf(result, part);
    const amounts: UsageAmounts = [executions, cpuMs, networkBytes, artifactBytes];
    if (amounts.every((amount) => amount === 0)) return null;
    const { run = 1, attempt, finished_at: finishedAt } = result;
    return { day: dayIn(finishedAt), organization, mark: run * ATTEMPTS_OF_A_RUN + attempt, amounts };
  }

  /** Something was counted of an execution. Never rejects: the next one that ends does what this cannot. */
  async noteCounted({ organization }: Pick<ExecutionResult, 'organization'>): Promise<void> {
    try {
      if (organization) await this.quotas.slowWhereUsedUp(organization.id);
    } catch {
      // Redis does not answer.
    }
  }

  private async count(result: ExecutionResult, part: Part): Promise<void> {
    const input = this.inputOf(result, part);
    if (input === null) return;
    const { mark, organization, amounts } = input;
    const day = this.keys.usage(input.day);
    const rest = [KEPT_SECONDS, ...fieldsOf(organization), ...amounts];
    const { execution_id: executionId } = result;
    const isNew = this.redis.isCluster
      ? await COUNT_APART.run(
          this.redis,
          [day, this.keys.usageSeen(input.day)],
          [`${mark} ${executionId}`, ...rest],
        )
      : await COUNT.run(this.redis, [this.keys.ledger(executionId), day], [mark, ...rest]);
    if (isNew === 1) await this.noteCounted(result);
  }
}

function amountsOf({ starts = 1, metrics, artifacts = [] }: ExecutionResult, part: Part): UsageCounts {
  return {
    executions: part === 'whole' && starts > 0 ? 1 : 0,
    cpuMs: whole((metrics.cpu_total_seconds ?? 0) * 1_000),
    networkBytes: whole(metrics['network_bytes'] ?? 0),
    artifactBytes: artifacts.reduce((sum, { bytes }) => sum + whole(bytes), 0),
  };
}

const whole = (value: number): number => Math.max(0, Math.round(value));
