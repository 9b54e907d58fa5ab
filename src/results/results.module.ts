import { type DynamicModule, Module } from '@nestjs/common';
import type { ResultSettings } from '../config/slices.js';
import { bullQueue } from '../redis/bull.module.js';
import { ArchiveFeed } from './archive-feed.js';
import { CancelRequests } from './cancel-requests.js';
import { ExecutionClosing } from './execution-closing.js';
import { ExecutionLedger } from './execution-ledger.js';
import { EndAtOnce } from './at-once/end-at-once.js';
import { FirstCommand } from './at-once/first-command.js';
import { NextJobs } from './at-once/next-jobs.js';
import { ExecutionUpdates } from './clients/execution-updates.js';
import { LogStore } from './logs/log-store.js';
import { LogWriter } from './logs/log-writer.js';
import { ResultEraser } from './result-eraser.js';
import { ResultQueueGauge } from './result-queue-gauge.js';
import { ResultAuthor } from './result-author.js';
import { RESULT_QUEUE, ResultPublisher } from './result-publisher.js';
import { ResultStore } from './result-store.js';
import { WebhookLog } from './webhooks/webhook-log.js';
import { WEBHOOK_QUEUE, WebhookQueue } from './webhooks/webhook-queue.js';
import { WaitingCallers } from './clients/waiting-callers.js';
import { WorkerLease } from './worker-lease.js';

/** One result per execution: which worker runs it, and the delivery of how it ended. */
@Module({})
export class ResultsModule {
  static register(settings: ResultSettings): DynamicModule {
    const queue = bullQueue(settings.queue, RESULT_QUEUE);
    const webhooks = bullQueue(settings.webhookQueue, WEBHOOK_QUEUE);
    const services = [
      ArchiveFeed,
      CancelRequests,
      EndAtOnce,
      ExecutionClosing,
      ExecutionLedger,
      ExecutionUpdates,
      FirstCommand,
      LogStore,
      LogWriter,
      NextJobs,
      ResultAuthor,
      ResultPublisher,
      ResultEraser,
      ResultQueueGauge,
      ResultStore,
      WaitingCallers,
      WebhookLog,
      WebhookQueue,
      WorkerLease,
    ];
    return {
      module: ResultsModule,
      imports: [...queue.imports, ...webhooks.imports],
      providers: [queue.provider, webhooks.provider, ...services],
      exports: [WEBHOOK_QUEUE, ...services],
    };
  }
}
