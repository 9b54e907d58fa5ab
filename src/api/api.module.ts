import { type DynamicModule, Module } from '@nestjs/common';
import type { Settings } from '../config/settings.js';
import { WorkerCommands } from '../heartbeat/worker-commands.js';
import { WorkerRegistry } from '../heartbeat/worker-registry.js';
import { PackagesStore } from '../packages/packages.store.js';
import { WorkspaceModule } from '../workspace/workspace.module.js';
import { ExecutionLookup } from './execution-lookup.service.js';
import { ExecutionsController } from './executions.controller.js';
import { ForgetController } from './forget.controller.js';
import { ForgetService } from './forget.service.js';
import { HistoryController } from './history.controller.js';
import { LogAnnouncements } from './log-announcements.js';
import { LogFollower } from './log-follower.service.js';
import { LogReaders } from './log-readers.js';
import { LogsController } from './logs.controller.js';
import { PackagesController } from './packages.controller.js';
import { ResultWaiter } from './result-waiter.js';
import { SubmissionService } from './submission.service.js';
import { TasksController } from './tasks.controller.js';
import { WaitingService } from './waiting.service.js';
import { WorkersController } from './workers.controller.js';
import { WorkspaceController } from './workspace.controller.js';
import { WorkspacePublication } from './workspace-publication.service.js';

/** HTTP for people and programs: submits to the queue, reads what workers wrote; never runs anything. */
@Module({})
export class ApiModule {
  /** The application's own modules: `queue` exports WORK_QUEUE and the ResultStore, `archive` what reads the history. */
  static register(
    _settings: Settings,
    { queue, archive }: { queue: DynamicModule; archive: DynamicModule },
  ): DynamicModule {
    return {
      module: ApiModule,
      imports: [queue, archive, WorkspaceModule],
      controllers: [
        TasksController,
        ExecutionsController,
        ForgetController,
        HistoryController,
        LogsController,
        WorkersController,
        PackagesController,
        WorkspaceController,
      ],
      // Registry and store by themselves: their modules would make a process without the worker role a worker.
      providers: [
        SubmissionService,
        ExecutionLookup,
        ForgetService,
        WaitingService,
        ResultWaiter,
        LogAnnouncements,
        LogFollower,
        LogReaders,
        WorkerCommands,
        WorkerRegistry,
        PackagesStore,
        WorkspacePublication,
      ],
    };
  }
}
