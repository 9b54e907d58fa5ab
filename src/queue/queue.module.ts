import { type DynamicModule, Module } from '@nestjs/common';
import type { QueueSettings, ResultSettings } from '../config/slices.js';
import { bullQueue } from '../redis/bull.module.js';
import { ResultsModule } from '../results/results.module.js';
import { CancelService } from './cancel.service.js';
import { ContextSubjects } from './context-subjects.js';
import { DirectJobs } from './fairness/direct-jobs.js';
import { HeldJobs } from './fairness/held-jobs.js';
import { LaneLimits } from './fairness/lane-limits.js';
import { LaneViews } from './fairness/lane-views.js';
import { Lanes } from './fairness/lanes.js';
import { JobFinder } from './job-finder.js';
import { JobPlaces } from './job-places.js';
import { QueueChanges } from './queue-changes.js';
import { QueuePages } from './queue-pages.js';
import { QueuedExecutions } from './queued-executions.js';
import { Queueing } from './queueing.js';
import { ScheduleEnds } from './schedules/schedule-ends.js';
import { WORK_QUEUE } from './queue-tokens.js';
import { WorkQueueGauge } from './work-queue-gauge.js';

/** The work queue seen from outside: its jobs, their positions, how to cancel one. What reads it is in worker/. */
@Module({})
export class QueueModule {
  static register({ name }: QueueSettings, resultSettings: ResultSettings): DynamicModule {
    const queue = bullQueue(name, WORK_QUEUE);
    const results = ResultsModule.register(resultSettings);
    const parts = [
      WorkQueueGauge,
      CancelService,
      ContextSubjects,
      DirectJobs,
      HeldJobs,
      JobFinder,
      JobPlaces,
      LaneLimits,
      Lanes,
      LaneViews,
      QueueChanges,
      QueuePages,
      QueuedExecutions,
      Queueing,
      ScheduleEnds,
    ];
    return {
      module: QueueModule,
      imports: [...queue.imports, results],
      providers: [queue.provider, ...parts],
      exports: [WORK_QUEUE, results, ...parts],
    };
  }
}
