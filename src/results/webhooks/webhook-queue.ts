import { Inject, Injectable } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type WebhookSettings, webhookSettings } from '../../config/slices.js';
import type { Webhook } from '../../contract/jobs/webhook.js';
import type { ExecutionResult } from '../../contract/result.js';
import { executionEnded, messageIdOf, type SetSchedule, type WebhookJob } from './webhook-message.js';

/** Injects the BullMQ queue of messages that are to be delivered. */
export const WEBHOOK_QUEUE: unique symbol = Symbol('WebhookQueue');

/** For this time a message that is made again is known. */
const KEPT_SECONDS = 86_400;
/** Part of each pause that is left to chance, so that messages that failed together come apart. */
const JITTER = 0.2;

const idOf = ({ schedule, setAt }: SetSchedule): string => messageIdOf('schedule', schedule, setAt);

/** Leaves messages for delivery. The same one again adds nothing. */
@Injectable()
export class WebhookQueue {
  constructor(
    @Inject(WEBHOOK_QUEUE) private readonly queue: Queue,
    @InjectSettings(webhookSettings)
    private readonly settings: Pick<WebhookSettings, 'attempts' | 'backoffMs'>,
  ) {}

  /** An execution has ended. */
  async addExecution(result: ExecutionResult, to: Webhook): Promise<void> {
    const { execution_id: about, run = 1 } = result;
    await this.add({ to, id: messageIdOf('execution', about, run), about, event: executionEnded(result) });
  }

  /** A batch was submitted: its message goes out when all of it has ended. */
  async addBatch(batch: string, to: Webhook): Promise<void> {
    await this.add({ to, id: messageIdOf('batch', batch), batch, from: 0 });
  }

  /** A schedule was set that has an end: its message goes out after that, once its ticks have ended. */
  async addSchedule(set: SetSchedule, end: Date, to: Webhook): Promise<void> {
    const delay = Math.max(0, end.getTime() - Date.now());
    await this.add({ to, id: idOf(set), ...set }, { delay });
  }

  /** No message goes out about a schedule as it was set then. One that is being sent is not stopped. */
  async dropSchedule(set: SetSchedule): Promise<void> {
    await this.queue.remove(idOf(set));
  }

  private async add(job: WebhookJob, own: Pick<JobsOptions, 'delay'> = {}): Promise<void> {
    const { attempts, backoffMs } = this.settings;
    const options: JobsOptions = {
      jobId: job.id,
      attempts,
      backoff: { type: 'exponential', delay: backoffMs, jitter: JITTER },
      removeOnComplete: { age: KEPT_SECONDS },
      removeOnFail: { age: 7 * KEPT_SECONDS },
      ...own,
    };
    await this.queue.add('deliver', job, options);
  }
}
