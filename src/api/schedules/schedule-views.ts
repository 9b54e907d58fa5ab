import type { Schedule, ScheduleSummary } from '../../contract/api/schedules.js';
import { PRODUCER } from '../../queue/fairness/lane-levels.js';
import { parseJob } from '../../queue/parse-job.js';
import { withoutSecrets } from '../../results/without-secrets.js';
import { nextTicks, stateOf, ticksHad } from './schedule-record.js';
import type { KeptSchedule } from './schedule-store.js';

const MOST_TICKS = 10;

const timeOf = (ms: number): string => new Date(ms).toISOString();

function commonOf({ id, record, scheduler }: KeptSchedule, nowMs: number) {
  const { kind, policy } = parseJob({ data: record.template.data });
  return {
    id,
    state: stateOf(record, scheduler, nowMs),
    source: record.source,
    ...record.rule,
    limit: scheduler?.limit ?? record.rule.limit,
    ...policy,
    kind,
    ticks: scheduler ? ticksHad(scheduler, nowMs) : null,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
  };
}

function ticksOf({ record, scheduler }: KeptSchedule, nowMs: number, limit: number): string[] {
  if (scheduler?.next === undefined || stateOf(record, scheduler, nowMs) !== 'active') return [];
  const left = scheduler.limit === undefined ? limit : scheduler.limit - ticksHad(scheduler, nowMs);
  return nextTicks(record.rule, scheduler.next, nowMs, Math.min(limit, left)).map(timeOf);
}

/** A schedule in the list. */
export const summaryOf = (kept: KeptSchedule, nowMs: number): ScheduleSummary => ({
  ...commonOf(kept, nowMs),
  next: ticksOf(kept, nowMs, 1)[0] ?? null,
});

/** A schedule with what it runs. @param context stored, with its secrets; null: there is none */
export function scheduleView(kept: KeptSchedule, context: string | null, nowMs: number): Schedule {
  const { data, opts } = kept.record.template;
  const { attempts, backoff } = opts;
  // That of a tick which waits for its lane is not its own.
  const priority = opts['priority'] === PRODUCER ? undefined : opts['priority'];
  const { ttl } = (data['schedule'] ?? {}) as { ttl?: unknown };
  const { webhook } = data;
  const given = Object.entries({ attempts, backoff, priority, ttl, webhook }).filter(
    ([, value]) => value != null,
  );
  const asked = Object.fromEntries(given);
  const common = commonOf(kept, nowMs);
  const { code, timeout, network } = data;
  const isTask = common.kind === 'task';
  return {
    ...common,
    next: ticksOf(kept, nowMs, MOST_TICKS),
    execution: isTask || context === null ? null : { ...contentOf(context), ...asked },
    task: isTask
      ? { code, ...(timeout == null ? {} : { timeout }), ...(network == null ? {} : { network }), ...asked }
      : null,
    webhook: kept.record.webhook ?? null,
  };
}

/** The context without its secrets; what cannot be read is not shown. */
function contentOf(document: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(withoutSecrets(document) ?? document);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
