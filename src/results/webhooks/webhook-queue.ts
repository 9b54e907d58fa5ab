import { Inject, Injectable } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type WebhookSettings, webhookSettings } from '../../config/slices.js';
import type { Webhook } from '../../contract/jobs/webhook.js';
import type { ExecutionResult } from '../../contract/result.js';
import { executionEnded, messageIdOf, type WebhookJob } from './webhook-message.js';

/** Injects the BullMQ queue of messages that are to be delivered. */
export const WEBHOOK_QUEUE: unique symbol = Symbol('WebhookQueue');

/** For this time a message that is made again is known. */
const KEPT_SECONDS = 86_400;
/** Part of each pause that is left to chance, so that messages that failed together come apart. */
const JITTER = 0.2;

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

  private async add(job: WebhookJob): Promise<void> {
    const { attempts, backoffMs } = this.settings;
    const options: JobsOptions = {
      jobId: job.id,
      attempts,
      backoff: { type: 'exponential', delay: backoffMs, jitter: JITTER },
      removeOnComplete: { age: KEPT_SECONDS },
      removeOnFail: { age: 7 * KEPT_SECONDS },
    };
    await this.queue.add('deliver', job, options);
  }
}
