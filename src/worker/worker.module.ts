import { BullModule, Processor } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import type { WorkerOptions } from 'bullmq';
import type { WorkerSettings } from '../config/slices.js';
import { ContextModule } from '../context/context.module.js';
import { ExecutorModule } from '../executor/executor.module.js';
import { HeartbeatModule } from '../heartbeat/heartbeat.module.js';
import { Attempt } from './attempt.js';
import { CancelListener } from './cancel.listener.js';
import { ControlListener } from './control.listener.js';
import { DeliveryOpener } from './delivery-opener.js';
import { Ending } from './ending.js';
import { ExecutionPlaces } from './lanes/execution-places.js';
import { ExecutionProcessor } from './execution.processor.js';
import { ExecutionWorker } from './bull/execution-worker.js';
import { FlowChildrenReader } from './flow-children.js';
import { HandBack } from './hand-back.js';
import { OperatorCommands } from './operator-commands.js';
import { QueueConsumer } from './queue-consumer.js';
import { RunningExecutions } from './running-executions.js';
import { ScheduleTicks } from './ticks/schedule-ticks.js';
import { TickTurns } from './ticks/tick-turns.js';
import { Taker } from './taker.js';
import { UnreadableJobs } from './unreadable-jobs.js';
import { WorkerLifecycle } from './worker.lifecycle.js';
import { WorkerHeartbeat } from './services/worker-heartbeat.js';
import { Canary } from './services/canary.js';
import { ConsumptionWatch } from './services/consumption-watch.js';
import { LaneBeat, LaneBeatOwner } from './services/lane-beat.js';
import { WorkerRunners } from './services/worker-runners.js';
import { workerServices } from './services/worker-services.js';

const DAY_SECONDS = 86_400;

/** Tuned for failover within 20 s; what the figures mean: docs/guarantees.md. */
const consumerOptions = (settings: WorkerSettings): Omit<WorkerOptions, 'connection'> => ({
  autorun: false,
  name: settings.id,
  concurrency: settings.concurrency,
  lockDuration: 10_000,
  lockRenewTime: 5_000,
  stalledInterval: 5_000,
  // Never: BullMQ would fail such a job without asking us. The ledger counts lost workers instead.
  maxStalledCount: Number.MAX_SAFE_INTEGER,
  runRetryDelay: 1_000,
  removeOnComplete: { age: DAY_SECONDS, count: 10_000 },
  removeOnFail: { age: 7 * DAY_SECONDS, count: 10_000 },
});

/** What reads the work queue: the life of a worker, and of each delivery that it takes. */
@Module({})
export class WorkerModule {
  /** @param queue the application's own queue module; a second one would read the queue a second time */
  static register(settings: WorkerSettings, queue: DynamicModule): DynamicModule {
    // Applied here and not above the class: the name of the queue and its options are settings.
    Processor(settings.queue, consumerOptions(settings))(ExecutionProcessor);
    BullModule.workerClass = ExecutionWorker;
    return {
      module: WorkerModule,
      imports: [queue, ContextModule, ExecutorModule, HeartbeatModule],
      providers: [
        Canary,
        CancelListener,
        ConsumptionWatch,
        ControlListener,
        Attempt,
        DeliveryOpener,
        Ending,
        ExecutionPlaces,
        ExecutionProcessor,
        FlowChildrenReader,
        HandBack,
        LaneBeat,
        LaneBeatOwner,
        OperatorCommands,
        QueueConsumer,
        RunningExecutions,
        ScheduleTicks,
        Taker,
        TickTurns,
        UnreadableJobs,
        WorkerHeartbeat,
        WorkerLifecycle,
        WorkerRunners,
        workerServices,
      ],
      exports: [ConsumptionWatch, QueueConsumer],
    };
  }
}
