import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import type { RequestedContext } from '../../contract/context.js';
import { isTickExecutionId } from '../../contract/jobs/schedule.js';
import type { Caller } from '../../tenants/access/caller.js';
import { ownContext } from '../access/own-context.js';
import { WebhookCheck } from '../webhooks/webhook-check.js';
import { type JobTiming, type TimingRequest, timingOf } from './job-timing.js';
import { checkLimits, type ExecutionRequest, invalid, type TaskRequest } from './requests.js';

/** A task as it stands in its job, and when that starts. */
export interface CheckedTask {
  task: Pick<TaskRequest, 'code' | 'timeout' | 'network'>;
  timing: JobTiming;
}

/** The context of an execution, and when its job starts. */
export interface CheckedExecution {
  context: RequestedContext;
  timing: JobTiming;
}

/** Says what a request asks for, or why it is refused, by the request and the settings alone. */
@Injectable()
export class RequestCheck {
  constructor(
    private readonly webhooks: WebhookCheck,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /** @throws {ProblemException} 400 or 413 naming the field. */
  task(request: TaskRequest): CheckedTask {
    const { taskId: _, attempts, backoff, delay, runAt, priority, ttl, webhook, ...task } = request;
    this.webhooks.check(webhook);
    checkLimits(
      { field: 'code', value: task.code },
      { field: 'timeout', value: task.timeout },
      this.settings,
    );
    const when = { attempts, backoff, delay, runAt: timeOf(runAt), priority, ttl };
    return { task, timing: this.timingOf(when, task.timeout) };
  }

  /** @throws {ProblemException} 400, 403 or 413 naming the field. */
  execution(request: ExecutionRequest, caller?: Caller): CheckedExecution {
    const { execution_id: _, attempts, backoff, delay, run_at, priority, ttl, webhook, ...asked } = request;
    const context = ownContext(asked, caller);
    refuseTickId(request.execution_id, caller);
    this.webhooks.check(webhook);
    checkLimits(
      { field: 'workflow_code', value: context.workflow_code },
      { field: 'timeout_seconds', value: context.timeout_seconds },
      this.settings,
    );
    const when = { attempts, backoff, delay, runAt: timeOf(run_at), priority, ttl };
    return { context, timing: this.timingOf(when, context.timeout_seconds) };
  }

  private timingOf(when: TimingRequest, timeoutSeconds: number | null | undefined): JobTiming {
    return timingOf(when, timeoutSeconds ?? this.settings.defaultTimeoutMs / 1000, Date.now());
  }
}

/**
 * The id of a tick can be known ahead: an organization that takes it would have the tick of another end as its own
 * execution did, and never run.
 * @throws {ProblemException} 400
 */
function refuseTickId(id: string | undefined, caller: Caller | undefined): void {
  if (id === undefined || !caller?.organizations || !isTickExecutionId(id)) return;
  const message = 'has the form of the ids that ticks of schedules have (SCHEDULE@TIME); take another';
  throw invalid([{ field: 'execution_id', message }]);
}

const timeOf = (iso: string | null | undefined): Date | null => (iso == null ? null : new Date(iso));
