import type { OrganizationDirectory } from '../../../src/tenants/organizations/organization-directory.js';
import type { SecretReader } from '../../../src/tenants/secrets/secret-reader.js';
import type { Quotas } from '../../../src/tenants/usage/quotas.js';
import type { UsageCounter } from '../../../src/tenants/usage/usage-counter.js';
import type { Queue } from 'bullmq';
import { ContextService } from '../../../src/context/context.service.js';
import { executionSettings, logSettings, resultSettings } from '../../../src/config/slices.js';
import type { Settings } from '../../../src/config/settings.js';
import type { Execution } from '../../../src/contract/execution.js';
import type { ExecutionListener, ExecutorService } from '../../../src/executor/executor.service.js';
import type { SelfTestService } from '../../../src/executor/self-test.service.js';
import type { WorkerStateHolder } from '../../../src/heartbeat/worker-state.js';
import type { WorkerStatistics } from '../../../src/heartbeat/worker-statistics.js';
import { type AttemptReport, unrunReport } from '../../../src/outcome/attempt-report.js';
import { OriginalPlaces } from '../../../src/outcome/original-places.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ArchiveFeed } from '../../../src/results/archive-feed.js';
import { EndAtOnce } from '../../../src/results/at-once/end-at-once.js';
import { FirstCommand } from '../../../src/results/at-once/first-command.js';
import { NextJobs } from '../../../src/results/at-once/next-jobs.js';
import { CancelRequests } from '../../../src/results/cancel-requests.js';
import { ExecutionUpdates } from '../../../src/results/clients/execution-updates.js';
import { WaitingCallers } from '../../../src/results/clients/waiting-callers.js';
import { ExecutionClosing } from '../../../src/results/execution-closing.js';
import { ExecutionLedger } from '../../../src/results/execution-ledger.js';
import { LogWriter } from '../../../src/results/logs/log-writer.js';
import { ResultAuthor } from '../../../src/results/result-author.js';
import { ResultPublisher } from '../../../src/results/result-publisher.js';
import type { WebhookQueue } from '../../../src/results/webhooks/webhook-queue.js';
import type { WorkerLease } from '../../../src/results/worker-lease.js';
import { Attempt } from '../../../src/worker/attempt.js';
import { DeliveryOpener } from '../../../src/worker/delivery-opener.js';
import { Ending } from '../../../src/worker/ending.js';
import { ExecutionProcessor } from '../../../src/worker/execution.processor.js';
import { type ExecutionPlaces, NO_PLACE } from '../../../src/worker/lanes/execution-places.js';
import { ExecutionWorker } from '../../../src/worker/bull/execution-worker.js';
import { FlowChildrenReader } from '../../../src/worker/flow-children.js';
import { HandBack } from '../../../src/worker/hand-back.js';
import { RunningExecutions } from '../../../src/worker/running-executions.js';
import { Taker } from '../../../src/worker/taker.js';
import { ScheduleTicks } from '../../../src/worker/ticks/schedule-ticks.js';
import { TickTurns } from '../../../src/worker/ticks/tick-turns.js';
import { aResult, anEnd, LIMITS } from '../runners/run-ends.js';

/** What the code of an execution does, in a worker without runners. */
export type Code = (execution: Execution, listener: ExecutionListener) => unknown;

/** Where a worker stands, and what it is not given by the application. */
export interface SmallWorkerParts {
  client: RedisClient;
  settings: Settings;
  workQueue: Queue;
  resultQueue: Queue;
  lease: Pick<WorkerLease, 'owner' | 'isDead'>;
  code: Code;
  /** False: everything by separate commands. */
  atOnce?: boolean;
  /** How long BullMQ's lock on a job lasts; half of that later it is renewed. */
  lockMs?: number;
  /** Executions that run at once; 1 by default. */
  concurrency?: number;
}

/** Its executions belong to no organization: nothing of these is asked. */
const NO_RECORDS = {} as OrganizationDirectory;
const NO_SECRETS = {} as SecretReader;
const NO_QUOTAS = {} as Quotas;
const NO_USAGE = {
  inputOf: () => null,
  countEnd: () => Promise.resolve(),
  countAttempt: () => Promise.resolve(),
  noteCounted: () => Promise.resolve(),
} as unknown as UsageCounter;

/** The whole way of a job, over real Redis and BullMQ, with code that is a function here. Runs until it is closed. */
export class SmallWorker {
  readonly worker: ExecutionWorker;
  readonly atOnce: EndAtOnce;
  readonly next: NextJobs;
  /** Whether it goes on with what it is handed. */
  readonly state = { takesWork: true };
  private readonly logs: LogWriter;
  private readonly running: RunningExecutions;
  /** What BullMQ blocks. */
  private readonly copies: RedisClient[] = [];

  constructor(readonly parts: SmallWorkerParts) {
    const { client, settings, workQueue, resultQueue, lockMs = 400, concurrency = 1 } = parts;
    const lease = parts.lease as WorkerLease;
    const keys = new RedisKeys(settings.KEY_PREFIX);
    const results = resultSettings.of(settings);
    const updates = new ExecutionUpdates(client, keys, results);
    const logs = new LogWriter(client, keys, updates, logSettings.of(settings));
    this.logs = logs;
    const source = client as unknown as { duplicate(...args: unknown[]): RedisClient };
    const duplicate = source.duplicate.bind(source);
    source.duplicate = (...args) => {
      const copy = duplicate(...args);
      this.copies.push(copy);
      return copy;
    };
    const ledger = new ExecutionLedger(client, keys, lease, results);
    const callers = new WaitingCallers(client, keys, results);
    const webhooks = { addExecution: () => Promise.resolve() } as unknown as WebhookQueue;
    const closing = new ExecutionClosing(client, keys, logs, updates, callers, webhooks, NO_USAGE);
    const feed = new ArchiveFeed(client, keys, results);
    const publisher = new ResultPublisher(client, resultQueue, feed, closing, keys, results);
    this.atOnce = new EndAtOnce(
      client,
      resultQueue,
      keys,
      logs,
      updates,
      NO_USAGE,
      results,
      logSettings.of(settings),
    );
    const requests = new CancelRequests(client, keys, lease, results);
    const next = new NextJobs(client, keys, ledger, results);
    this.next = next;
    const first = new FirstCommand(client, keys, ledger, next);
    const executor = executorOf(parts.code);
    const running = new RunningExecutions(requests);
    this.running = running;
    const selfTest = {
      ofResult: () => ({ level: 'process', grade: 'B', network: 'none' }),
    } as unknown as SelfTestService;
    const processor = new ExecutionProcessor(
      this.state as WorkerStateHolder,
      new DeliveryOpener(
        new ContextService(client, keys, executionSettings.of(settings), NO_RECORDS, NO_SECRETS),
        executor,
        new FlowChildrenReader(workQueue, client),
        running,
        parts.atOnce === false ? ({ isPossible: false } as FirstCommand) : first,
        next,
        workQueue,
      ),
      { enter: () => Promise.resolve({ kind: 'place', place: NO_PLACE }) } as unknown as ExecutionPlaces,
      new Taker(
        ledger,
        publisher,
        new ScheduleTicks(workQueue, new TickTurns(client, workQueue, keys, results), requests),
      ),
      new Attempt(executor, ledger, logs, updates, selfTest, NO_QUOTAS),
      new Ending(
        ledger,
        new ResultAuthor(results),
        publisher,
        logs,
        { record: () => undefined } as unknown as WorkerStatistics,
        selfTest,
        this.atOnce,
      ),
      new HandBack(ledger),
    );
    this.worker = new ExecutionWorker(workQueue.name, (job, token) => processor.process(job, token), {
      connection: client,
      prefix: workQueue.opts.prefix as string,
      name: settings.WORKER_ID,
      concurrency,
      autorun: false,
      lockDuration: lockMs,
      lockRenewTime: lockMs / 2,
      stalledInterval: 100,
      drainDelay: 1,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    });
    this.worker.handOutWith(next);
  }

  /**
   * Takes jobs from now on.
   * @param options.before called when all is ready for the first
   */
  async run({ atOnce = true, before = (): void => undefined } = {}): Promise<void> {
    await this.worker.waitUntilReady();
    if (atOnce) this.next.prepare(this.atOnce.prepare());
    before();
    void this.worker.run().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.worker.close(true);
    for (const copy of this.copies) copy.disconnect();
    // For one that died both would be tried for as long as this process lives: requests to cancel, and its log.
    this.running.stopChecking();
    (this.logs as unknown as { waiting: Set<unknown> }).waiting.clear();
  }
}

function executorOf(code: Code): ExecutorService {
  const execute = async (
    execution: Execution,
    _stops: unknown,
    listener: ExecutionListener,
  ): Promise<AttemptReport> => {
    listener.onRunner({ id: 'r-1', start: 'spawn' });
    const value = await code(execution, listener);
    const end = anEnd({ report: aResult(value) });
    return unrunReport(null, { run: { end, limits: LIMITS, originals: OriginalPlaces.none } });
  };
  return {
    execute,
    currentGeneration: () => Promise.resolve(null),
    hasGenerations: true,
    noteGeneration: () => undefined,
  } as unknown as ExecutorService;
}
