import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import type { Schedule, Schedules } from '../../contract/api/schedules.js';
import { JOB_NAMES } from '../../contract/jobs/job.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { tickExecutionId } from '../../contract/jobs/schedule.js';
import { executionJob, signedTask } from '../../contract/jobs/signature.js';
import { inBatches } from '../../lib/in-batches.js';
import { sha256 } from '../../lib/sha256.js';
import { REDACTED } from '../../outcome/redaction/redactor.js';
import { laneRequestOf } from '../../queue/fairness/lane-request.js';
import { Queueing } from '../../queue/queueing.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { type Caller, mayReach } from '../../tenants/access/caller.js';
import { ownContext } from '../access/own-context.js';
import type { ScheduleRecord, ScheduleRule } from '../../queue/schedules/schedule-record.js';
import { timingOf } from '../executions/job-timing.js';
import { checkLimits, invalid } from '../executions/requests.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { WebhookCheck } from '../webhooks/webhook-check.js';
import { firstTick } from './schedule-record.js';
import type { ScheduleRequest, SchedulesQuery } from './schedule-requests.js';
import { type KeptSchedule, ScheduleStore } from './schedule-store.js';
import { scheduleView, summaryOf } from './schedule-views.js';

const AT_ONCE = 100;
const CHARS_OF_HASH = 16;
const UNDONE = 'Redis does not answer. Whether it was done is not known: ask for the schedule, or try again';

type Content = Pick<ScheduleRecord, 'template' | 'contextId'> & { document: string | null };

/** Schedules: when something is to run, again and again. BullMQ's job schedulers make the ticks. */
@Injectable()
export class SchedulesService {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly store: ScheduleStore,
    private readonly webhooks: WebhookCheck,
    private readonly queueing: Queueing,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /** @throws {ProblemException} 503 without Redis. */
  async list({ limit, cursor }: SchedulesQuery, caller: Caller): Promise<Schedules> {
    const ids = await withinRedisLimit(this.store.ids());
    let rest = cursor === undefined ? ids : ids.filter((id) => id > cursor);
    const schedules: KeptSchedule[] = [];
    let last: string | null = null;
    // A page of those that a caller may see takes several looks where most are others'.
    while (rest.length > 0 && schedules.length < limit) {
      const page = rest.slice(0, limit - schedules.length);
      rest = rest.slice(page.length);
      last = page.at(-1) ?? null;
      schedules.push(...(await withinRedisLimit(this.visible(page, caller))));
    }
    const now = Date.now();
    return {
      schedules: schedules.map((one) => summaryOf(one, now)),
      next_cursor: rest.length > 0 ? last : null,
    };
  }

  /** @throws {ProblemException} 404, 503 */
  async find(id: string): Promise<Schedule> {
    return this.show(await this.get(id));
  }

  /**
   * Sets a schedule, or changes it. Ticks go on as before where it ticks as before.
   * @throws {ProblemException} 400, 403 or 413 naming the field, 503 without Redis.
   */
  async set(id: string, request: ScheduleRequest, caller: Caller): Promise<Schedule> {
    const rule = ruleOf(request);
    const { webhook = null } = request;
    this.webhooks.check(webhook);
    const former = await withinRedisLimit(this.store.find(id));
    const now = new Date();
    const { document, ...content } = this.contentOf(id, ownRequest(request, caller));
    const isSameRule = former !== null && JSON.stringify(former.record.rule) === JSON.stringify(rule);
    const record: ScheduleRecord = {
      ...content,
      source: 'api',
      rule,
      anchorMs: isSameRule ? former.record.anchorMs : now.getTime(),
      paused: request.paused ?? former?.record.paused ?? false,
      webhook,
      createdAt: former?.record.createdAt ?? now.toISOString(),
      updatedAt: now.toISOString(),
    };
    if (firstTick(record, now.getTime()) === null)
      throw invalid([{ field: 'end', message: 'is over, or before the first tick' }]);
    await withinRedisLimit(this.replace(id, record, { document, former, isSameRule }), UNDONE);
    return this.find(id);
  }

  /** @throws {ProblemException} 404, 503 */
  async remove(id: string): Promise<void> {
    const { record } = await this.get(id);
    await withinRedisLimit(this.store.remove(id), UNDONE);
    await withinRedisLimit(
      Promise.all([this.dropContext(record.contextId), this.webhooks.leaveSchedule(id, record)]),
    );
  }

  /** No tick is due until it is resumed. @throws {ProblemException} 404, 503 */
  async pause(id: string): Promise<Schedule> {
    const { record } = await this.get(id);
    if (!record.paused)
      await withinRedisLimit(this.store.save(id, { ...record, paused: true }, true), UNDONE);
    return this.find(id);
  }

  /** It ticks from now on; what was due meanwhile is no missed tick. @throws {ProblemException} 404, 409, 503 */
  async resume(id: string): Promise<Schedule> {
    const { record } = await this.get(id);
    if (record.paused) {
      if (firstTick(record, Date.now()) === null)
        throw new ProblemException(
          'conflict',
          `The schedule ${id} has ended: set another end, and it can go on`,
        );
      await withinRedisLimit(this.store.save(id, { ...record, paused: false }, true), UNDONE);
    }
    return this.find(id);
  }

  /** Queues one more tick, due now. Resolves with the id of its execution. @throws {ProblemException} 404, 503 */
  async run(id: string): Promise<string> {
    const { record } = await this.get(id);
    const { name, data, opts } = record.template;
    const dueMs = Date.now();
    const executionId = tickExecutionId({ schedule: id, dueMs });
    const field = { ...(data['schedule'] as object | undefined), id, due_at: new Date(dueMs).toISOString() };
    const adding = this.queue.add(
      name,
      { ...data, schedule: field },
      { ...opts, jobId: jobIdOf(executionId) },
    );
    await withinRedisLimit(adding, UNDONE);
    return executionId;
  }

  private async visible(ids: readonly string[], caller: Caller): Promise<KeptSchedule[]> {
    const found = (await inBatches(ids, AT_ONCE, (id) => this.store.find(id))).filter((one) => one !== null);
    if (caller.organizations === null) return found;
    const owners = await this.store.organizationsOf(found);
    return found.filter((_, index) => mayReach(caller, owners[index] ?? null));
  }

  private async get(id: string): Promise<KeptSchedule> {
    const kept = await withinRedisLimit(this.store.find(id));
    if (kept === null) throw new ProblemException('not-found', `There is no schedule ${id}`);
    return kept;
  }

  private async show(kept: KeptSchedule): Promise<Schedule> {
    const { contextId, template } = kept.record;
    const shared = contextId ?? template.data['execution_id'];
    const context =
      typeof shared === 'string' ? await withinRedisLimit(this.store.readContext(shared)) : null;
    return scheduleView(kept, context, Date.now());
  }

  private async replace(
    id: string,
    record: ScheduleRecord,
    {
      document,
      former,
      isSameRule,
    }: { document: string | null; former: KeptSchedule | null; isSameRule: boolean },
  ): Promise<void> {
    const { contextId } = record;
    if (contextId !== null && document !== null) await this.store.writeContext(contextId, document);
    // Before the record: the message of one that was not set after all is dropped when it is due.
    await this.webhooks.followSchedule(id, record);
    await this.store.save(id, record, former !== null && !isSameRule);
    if (former && former.record.updatedAt !== record.updatedAt)
      await this.webhooks.leaveSchedule(id, former.record);
    const old = former?.record.contextId ?? null;
    if (old !== contextId) await this.dropContext(old);
  }

  private async dropContext(contextId: string | null): Promise<void> {
    if (contextId !== null) await this.store.dropContext(contextId, this.settings.contextKeptSeconds);
  }

  /** The job of each tick, and the context that they share. @throws {ProblemException} 400, 413 */
  private contentOf(id: string, { execution, task, overlap, missed }: ScheduleRequest): Content {
    const key = this.settings.signingKeys[0];
    const { attempts, backoff, priority, ttl, webhook, ...content } = execution ?? task ?? {};
    this.webhooks.check(webhook, `${task ? 'task' : 'execution'}.webhook`);
    const reported = webhook == null ? {} : { webhook };
    const field = {
      overlap: overlap ?? 'allow',
      missed: missed ?? 'one',
      ...(ttl == null ? {} : { ttl }),
    };
    const { options: given } = timingOf({ attempts, backoff, priority }, 0, Date.now());
    const lane = laneRequestOf(execution ?? {}, priority ?? 0);
    const options = this.queueing.optionsOfTicks(lane, given);
    if (task) {
      const { code, timeout, network } = task;
      this.checkLimits('task', { code, timeout, names: ['code', 'timeout'] });
      const data = signedTask(key, {
        taskId: id,
        code,
        ...(timeout == null ? {} : { timeout }),
        ...(network == null ? {} : { network }),
      });
      const template = {
        name: JOB_NAMES.task,
        data: { ...data, ...reported, schedule: field },
        opts: { ...options },
      };
      return { template, contextId: null, document: null };
    }
    refuseRedacted(execution?.secrets ?? {});
    this.checkLimits('execution', {
      code: execution?.workflow_code,
      timeout: execution?.timeout_seconds,
      names: ['workflow_code', 'timeout_seconds'],
    });
    const document = JSON.stringify(content);
    // Another content is another context, so that a tick that waits finds the one that its job was signed for.
    const contextId = `${id}/${sha256(document).slice(0, CHARS_OF_HASH)}`;
    const data = { ...executionJob(key, contextId, document), ...reported, schedule: field };
    return { template: { name: JOB_NAMES.execution, data, opts: { ...options } }, contextId, document };
  }

  private checkLimits(
    part: 'execution' | 'task',
    { code, timeout, names: [codeField, timeoutField] }: LimitedContent,
  ): void {
    checkLimits(
      { field: `${part}.${codeField}`, value: code },
      { field: `${part}.${timeoutField}`, value: timeout },
      this.settings,
    );
  }
}

interface LimitedContent {
  code: string | null | undefined;
  timeout: number | null | undefined;
  names: readonly [code: string, timeout: string];
}

const isoOf = (time: string | null | undefined): string | null =>
  time == null ? null : new Date(time).toISOString();

const ruleOf = ({ cron, tz, every, start, end }: ScheduleRequest): ScheduleRule => ({
  cron: cron?.trim() ?? null,
  tz: cron == null ? null : (tz ?? 'UTC'),
  every: every ?? null,
  start: isoOf(start),
  end: isoOf(end),
  limit: null,
});

/** @throws {ProblemException} 403 for another organization's, and for a task, which belongs to none. */
function ownRequest(request: ScheduleRequest, caller: Caller): ScheduleRequest {
  if (caller.organizations === null) return request;
  const { execution, task } = request;
  if (execution != null) return { ...request, execution: ownContext(execution, caller, 'execution.') };
  if (task == null) return request;
  const message = `must be an execution: a task belongs to no organization, and the token "${caller.name}" is for ${caller.organizations.join(', ')}`;
  throw new ProblemException('forbidden', `task: ${message}`, { errors: [{ field: 'task', message }] });
}

/** @throws {ProblemException} 400 for secrets as `GET /schedules/:id` shows them. */
function refuseRedacted(secrets: Readonly<Record<string, string>>): void {
  const [name] = Object.entries(secrets).find(([, value]) => value === REDACTED) ?? [];
  if (name === undefined) return;
  const message = 'must be given again: its value is never shown';
  throw invalid([{ field: `execution.secrets.${name}`, message }]);
}
