import { type DynamicModule, Module } from '@nestjs/common';
import { ArtifactsModule } from '../artifacts/artifacts.module.js';
import { type HttpSettings, httpSettings } from '../config/slices.js';
import { WorkerCommands } from '../heartbeat/worker-commands.js';
import { WorkerRegistry } from '../heartbeat/worker-registry.js';
import { PackagesStore } from '../packages/packages.store.js';
import { WorkspaceModule } from '../workspace/workspace.module.js';
import { Ownership } from './access/ownership.service.js';
import { AgainController } from './again/again.controller.js';
import { AgainService } from './again/again.service.js';
import { BulkAgainService } from './again/bulk-again.service.js';
import { AuditController } from './audit/audit.controller.js';
import { ArtifactLinks } from './artifacts/artifact-links.js';
import { ArtifactsController } from './artifacts/artifacts.controller.js';
import { ArtifactsService } from './artifacts/artifacts.service.js';
import { BatchStore } from './batches/batch-store.js';
import { BatchService } from './batches/batch.service.js';
import { BatchesController } from './batches/batches.controller.js';
import { ConsoleController } from './console/console.controller.js';
import { SessionController } from './console/session.controller.js';
import { ExecutionLookup } from './executions/execution-lookup.service.js';
import { ExecutionsController } from './executions/executions.controller.js';
import { Idempotency } from './executions/idempotency.service.js';
import { KnownExecutions } from './executions/known-executions.js';
import { ForgetController } from './executions/forget.controller.js';
import { ForgetService } from './executions/forget.service.js';
import { HistoryController } from './history/history.controller.js';
import { InputController } from './input/input.controller.js';
import { InputService } from './input/input.service.js';
import { KeptInputs } from './input/kept-inputs.service.js';
import { ChangeFeed } from './list/change-feed.js';
import { ChangesController } from './list/changes.controller.js';
import { ListController } from './list/list.controller.js';
import { ListService } from './list/list.service.js';
import { OpenExecutions } from './list/open-executions.service.js';
import { LogAnnouncements } from './logs/log-announcements.js';
import { LogFollower } from './logs/log-follower.service.js';
import { LogReaders } from './logs/log-readers.js';
import { LogsController } from './logs/logs.controller.js';
import { OrganizationsController } from './organizations/organizations.controller.js';
import { PackagesController } from './packages/packages.controller.js';
import { QueueController } from './queue/queue.controller.js';
import { ScheduleStore } from './schedules/schedule-store.js';
import { SchedulesController } from './schedules/schedules.controller.js';
import { SchedulesService } from './schedules/schedules.service.js';
import { SchemasController } from './schemas/schemas.controller.js';
import { SecretsController } from './secrets/secrets.controller.js';
import { ResultWaiter } from './executions/result-waiter.js';
import { JobSender } from './executions/job-sender.js';
import { RequestCheck } from './executions/request-check.js';
import { SubmissionService } from './executions/submission.service.js';
import { QuotaRefusal } from './organizations/quota-refusal.js';
import { TasksController } from './executions/tasks.controller.js';
import { TokensController } from './tokens/tokens.controller.js';
import { UsageController } from './usage/usage.controller.js';
import { WaitingService } from './executions/waiting.service.js';
import { WebhookCheck } from './webhooks/webhook-check.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { WorkersController } from './workers/workers.controller.js';
import { WorkspaceController } from './workspace/workspace.controller.js';
import { WorkspacePublication } from './workspace/workspace-publication.service.js';

/** HTTP for people and programs: submits to the queue, reads what workers wrote; never runs anything. */
@Module({})
export class ApiModule {
  /** The application's own modules: `queue` exports WORK_QUEUE and the ResultStore, `archive` what reads the history. */
  static register({ queue, archive }: { queue: DynamicModule; archive: DynamicModule }): DynamicModule {
    return {
      module: ApiModule,
      imports: [queue, archive, ArtifactsModule, WorkspaceModule],
      controllers: [
        TasksController,
        AgainController,
        AuditController,
        ArtifactsController,
        BatchesController,
        ExecutionsController,
        ForgetController,
        HistoryController,
        ListController,
        ChangesController,
        LogsController,
        WebhooksController,
        InputController,
        WorkersController,
        OrganizationsController,
        PackagesController,
        TokensController,
        UsageController,
        SchedulesController,
        QueueController,
        SchemasController,
        SecretsController,
        WorkspaceController,
        SessionController,
        ConsoleController,
      ],
      // Registry and store by themselves: their modules would make a process without the worker role a worker.
      providers: [
        {
          provide: ArtifactLinks,
          inject: [httpSettings.KEY],
          useFactory: ({ token }: HttpSettings) => new ArtifactLinks(token),
        },
        ArtifactsService,
        Ownership,
        QuotaRefusal,
        RequestCheck,
        JobSender,
        SubmissionService,
        BatchService,
        AgainService,
        BulkAgainService,
        BatchStore,
        Idempotency,
        KnownExecutions,
        ExecutionLookup,
        ForgetService,
        WaitingService,
        ListService,
        ChangeFeed,
        InputService,
        KeptInputs,
        OpenExecutions,
        ResultWaiter,
        SchedulesService,
        ScheduleStore,
        LogAnnouncements,
        LogFollower,
        LogReaders,
        WebhookCheck,
        WorkerCommands,
        WorkerRegistry,
        PackagesStore,
        WorkspacePublication,
      ],
    };
  }
}
