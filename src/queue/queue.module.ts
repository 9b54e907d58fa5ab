import { BullModule, Processor } from '@nestjs/bullmq';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import type { WorkerOptions } from 'bullmq';
import { capacityOf } from '../config/capacity.js';
import type { Settings } from '../config/settings.js';
import { ContextModule } from '../context/context.module.js';
import { ExecutorModule } from '../executor/executor.module.js';
import { HeartbeatModule } from '../heartbeat/heartbeat.module.js';
import { bullQueue } from '../redis/bull.module.js';
import { ResultsModule } from '../results/results.module.js';
import { CancelListener } from '../worker/cancel.listener.js';
import { CancelService } from './cancel.service.js';
import { ControlListener } from '../worker/control.listener.js';
import { AttemptService } from '../worker/attempt.service.js';
import { ConclusionService } from '../worker/conclusion.service.js';
import { ExecutionProcessor } from '../worker/execution.processor.js';
import { ExecutionWorker } from '../worker/execution-worker.js';
import { FlowChildrenReader } from '../worker/flow-children.js';
import { HandBackService } from '../worker/hand-back.service.js';
import { JobFinder } from './job-finder.js';
import { JobPlaces } from './job-places.js';
import { QueueConsumer } from '../worker/queue-consumer.js';
import { OperatorCommands } from '../worker/operator-commands.js';
import { RunningExecutions } from '../worker/running-executions.js';
import { WORK_QUEUE } from './queue-tokens.js';
import { ScheduleTicks } from '../worker/schedule-ticks.js';
import { UnreadableJobs } from '../worker/unreadable-jobs.js';
import { WorkQueueGauge } from './work-queue-gauge.js';
import { WorkerLifecycle } from '../worker/worker.lifecycle.js';

const DAY_SECONDS = 86_400;

/** Tuned for failover within 20 s; what the figures mean: docs/guarantees.md. */
const consumerOptions = (settings: Settings): Omit<WorkerOptions, 'connection'> => ({
  autorun: false,
  name: settings.WORKER_ID,
  concurrency: capacityOf(settings).concurrency,
  lockDuration: 10_000,
  lockRenewTime: 5_000,
  stalledInterval: 5_000,
  // Never: BullMQ would fail such a job without asking us. The ledger counts lost workers instead.
  maxStalledCount: Number.MAX_SAFE_INTEGER,
  runRetryDelay: 1_000,
  removeOnComplete: { age: DAY_SECONDS, count: 10_000 },
  removeOnFail: { age: 7 * DAY_SECONDS, count: 10_000 },
});

/** The work queue and, in the role `worker`, what reads it. */
@Module({})
export class QueueModule {
  static register(settings: Settings): DynamicModule {
    const queue = bullQueue(settings.QUEUE_NAME, WORK_QUEUE);
    const results = ResultsModule.register(settings);
    const reads = settings.ROLES.includes('worker');
    return {
      module: QueueModule,
      imports: [
        ...queue.imports,
        results,
        ...(reads ? [ContextModule, ExecutorModule, HeartbeatModule] : []),
      ],
      providers: [
        queue.provider,
        WorkQueueGauge,
        CancelService,
        JobFinder,
        JobPlaces,
        ...(reads ? readers(settings) : []),
      ],
      exports: [
        WORK_QUEUE,
        WorkQueueGauge,
        results,
        CancelService,
        JobFinder,
        JobPlaces,
        ...(reads ? [QueueConsumer] : []),
      ],
    };
  }
}

function readers(settings: Settings): Provider[] {
  // Applied here and not above the class: the name of the queue and its options are settings.
  Processor(settings.QUEUE_NAME, consumerOptions(settings))(ExecutionProcessor);
  BullModule.workerClass = ExecutionWorker;
  return [
    CancelListener,
    ControlListener,
    AttemptService,
    ConclusionService,
    ExecutionProcessor,
    FlowChildrenReader,
    HandBackService,
    OperatorCommands,
    QueueConsumer,
    RunningExecutions,
    ScheduleTicks,
    UnreadableJobs,
    WorkerLifecycle,
  ];
}
