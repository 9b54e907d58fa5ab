import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Job, Queue, RepeatOptions } from 'bullmq';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { type Tick, tickExecutionId, type TickPolicy } from '../../contract/jobs/schedule.js';
import type { JobRequest } from '../../queue/parse-job.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { nextTick, type TickRule, ticksAfter } from '../../queue/schedules/due-times.js';
import { CancelRequests } from '../../results/cancel-requests.js';
import { emitMeasurement } from '../../telemetry/measurements.js';
import type { DeliveryMark } from '../../results/delivery-identity.js';
import { decideTick, type DueTick, type TickDecision } from './tick-decision.js';
import { TickTurns } from './tick-turns.js';

/** Ticks that are counted one by one; a schedule of seconds that stood for weeks has missed "at least" as many. */
const COUNT_LIMIT = 100_000;
/** Missed ticks that are made up for at once: the latest of them. */
const MOST_MADE_UP = 1_000;

/** What a worker does with a tick; `passed over`: it ends without a run. */
export type Admission = { kind: 'run' } | { kind: 'wait' } | { kind: 'passed over'; reason: string };

/** Of what is no tick. */
export const RUN: Admission = { kind: 'run' };

/** A job that a worker has taken. */
interface TickDelivery {
  job: Job;
  request: Pick<JobRequest, 'tick' | 'policy'>;
  mark: Pick<DeliveryMark, 'stalls'>;
}

/**
 * Whether a tick of a schedule runs, when the former one has not ended or its time is long over. BullMQ makes the next
 * tick when a worker takes the one before, and passes over what was due meanwhile: a worker that takes a tick late
 * reports those, or adds them.
 */
@Injectable()
export class ScheduleTicks {
  private readonly logger = new Logger(ScheduleTicks.name);

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly turns: TickTurns,
    private readonly cancels: CancelRequests,
  ) {}

  /** Of a job that is no tick, and of a tick that nothing can hold up, this asks nothing of Redis. */
  async admit({ job, request: { tick, policy }, mark }: TickDelivery): Promise<Admission> {
    if (tick === null) return RUN;
    const rule = ruleOf(job);
    const due = dueTickOf(job, tick, rule);
    const nowMs = Date.now();
    if (policy.overlap === 'allow' && policy.missed === 'one' && due.endMs === null) {
      if (!due.isRepeated && mark.stalls === 0) this.reportMissed(tick, rule, nowMs);
      return RUN;
    }
    const decision = await this.turns.decide(tick, (standing, others) =>
      decideTick(due, policy, standing, others, nowMs),
    );
    const { at } = decision.tick;
    if (policy.missed === 'all' && !due.isExtra && rule) await this.makeUp(job, tick, rule, at);
    else if (decision.isNew && !due.isRepeated) this.reportMissed(tick, rule, at);
    return this.carryOn(tick, policy, decision);
  }

  private async carryOn(
    tick: Tick,
    policy: TickPolicy,
    { tick: state, cancel }: TickDecision,
  ): Promise<Admission> {
    const own = tickExecutionId(tick);
    await Promise.all(cancel.map((dueMs) => this.cancel(tickExecutionId({ ...tick, dueMs }), own)));
    switch (state.state) {
      case 'run':
        return RUN;
      case 'wait':
        return { kind: 'wait' };
      case 'skip':
        this.logger.log({
          msg: 'tick passed over',
          executionId: own,
          overlap: policy.overlap,
          reason: state.reason,
        });
        return { kind: 'passed over', reason: state.reason };
    }
  }

  private async cancel(executionId: string, by: string): Promise<void> {
    const noted = await this.cancels.note(executionId, `${by} takes its turn (overlap: cancel)`);
    if (noted.kind === 'noted') await this.cancels.announce(executionId, noted.request);
  }

  /** Adds what was due until `untilMs`. May be repeated: the same tick is the same job and the same execution. */
  private async makeUp(job: Job, tick: Tick, rule: TickRule, untilMs: number): Promise<void> {
    const missed = [...ticksAfter(tick.dueMs, rule, { untilMs, limit: COUNT_LIMIT })];
    if (missed.length === 0) return;
    const { attempts, backoff, priority, removeOnComplete, removeOnFail } = job.opts;
    const kept = { attempts, backoff, priority, removeOnComplete, removeOnFail };
    const opts = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
    const { schedule: field, ...data } = job.data as { schedule?: object };
    const added = missed.slice(-MOST_MADE_UP);
    await this.queue.addBulk(
      added.map((dueMs) => ({
        name: job.name,
        data: { ...data, schedule: { ...field, id: tick.schedule, due_at: new Date(dueMs).toISOString() } },
        opts: { ...opts, jobId: jobIdOf(tickExecutionId({ ...tick, dueMs })) },
      })),
    );
    const lost = missed.length - added.length;
    if (lost > 0) this.warn(tick, lost, untilMs);
    this.logger.log({
      msg: 'missed ticks of a schedule were added',
      schedule: tick.schedule,
      added: added.length,
    });
  }

  private reportMissed(tick: Tick, rule: TickRule | null, untilMs: number): void {
    if (rule === null) return;
    let count = 0;
    for (const _ of ticksAfter(tick.dueMs, rule, { untilMs, limit: COUNT_LIMIT })) count += 1;
    if (count > 0) this.warn(tick, count, untilMs);
  }

  private warn({ schedule, dueMs }: Tick, count: number, untilMs: number): void {
    emitMeasurement('ticks-missed', { count });
    this.logger.warn({
      msg: 'ticks of a schedule were missed',
      schedule,
      missed: count,
      after: new Date(dueMs).toISOString(),
      until: new Date(untilMs).toISOString(),
    });
  }
}

/** When the scheduler of a job ticks; null: no scheduler made it, or one whose rule cannot be read. */
function ruleOf({ opts, repeatJobKey }: Pick<Job, 'opts' | 'repeatJobKey'>): TickRule | null {
  const { repeat } = opts as { repeat?: RepeatOptions };
  if (!repeatJobKey || !repeat || (repeat.every === undefined && repeat.pattern === undefined)) return null;
  const { every, pattern, tz, endDate } = repeat;
  return { every, pattern, tz, ...(endDate == null ? {} : { endMs: new Date(endDate).getTime() }) };
}

function dueTickOf(job: Job, { dueMs }: Tick, rule: TickRule | null): DueTick {
  return {
    dueMs,
    nextDueMs: rule && nextTick(dueMs, rule),
    endMs: rule?.endMs ?? null,
    isExtra: rule === null,
    isRepeated: job.attemptsMade > 0,
  };
}
