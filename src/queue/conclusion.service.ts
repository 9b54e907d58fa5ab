import { Injectable, Logger } from '@nestjs/common';
import { UnrecoverableError } from 'bullmq';
import type { Outcome } from '../contract/result.js';
import type { Cancellation } from '../executor/cancellation.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { notTriedAgain } from '../executor/cancelled-outcome.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { tell } from '../lib/measurements.js';
import { traced } from '../lib/tracing.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { LogWriter } from '../results/log-writer.js';
import { ResultPublisher } from '../results/result-publisher.js';
import { AttemptFailedError } from './job-decisions.js';
import type { JobRequest } from './parse-job.js';
import { namesOf, type TakenJob } from './taken-job.js';

/** What BullMQ keeps of a job that is done; the result itself is in Redis and on the result queue. */
export interface JobReturn {
  status: Outcome['status'] | 'known';
}

/** What follows an attempt: the one result, or another attempt. */
@Injectable()
export class ConclusionService {
  private readonly logger = new Logger(ConclusionService.name);

  constructor(
    private readonly ledger: ExecutionLedger,
    private readonly results: ResultPublisher,
    private readonly logs: LogWriter,
    private readonly statistics: WorkerStatistics,
    private readonly selfTest: SelfTestService,
  ) {}

  /** The result is out before BullMQ hears of the end: a crash in between costs a repeated delivery, not a result. */
  async conclude(delivery: TakenJob, outcome: Outcome): Promise<JobReturn> {
    const { executionId, attempt } = delivery;
    const earlier = attempt > 1 ? await this.ledger.earlierAttempts(executionId) : [];
    const isolation = this.selfTest.ofResult();
    const told = isolation ? { isolation, ...outcome } : outcome;
    await traced('publish', {}, () => this.results.publish({ ...delivery, earlier }, told));
    this.ledger.release(executionId);
    this.statistics.record(outcome);
    tell('execution-ended', {
      status: outcome.status,
      code: outcome.failure?.code ?? null,
      durationMs: outcome.duration_ms,
      metrics: { queue_ms: delivery.queuedMs, ...outcome.metrics },
    });
    this.logger.log({
      msg: 'execution ended',
      ...namesOf(delivery),
      status: outcome.status,
      code: outcome.failure?.code,
    });
    // BullMQ shows it as failed, and never tries it again.
    if (!outcome.success) throw new UnrecoverableError(outcome.error ?? outcome.status);
    return { status: outcome.status };
  }

  /** A job that comes again after its execution ended. */
  async finishKnown(request: JobRequest): Promise<JobReturn> {
    await this.results.resend(request);
    return { status: 'known' };
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off, unless somebody wants it to end. */
  async failAttempt(delivery: TakenJob, outcome: Outcome, cancellation: Cancellation): Promise<JobReturn> {
    const { executionId, attempt } = delivery;
    const noted = await this.ledger.letGo(executionId, { counted: true, failed: { attempt, outcome } });
    const cancel = noted ?? cancellation.request;
    if (cancel) return this.conclude(delivery, notTriedAgain(outcome, cancel));
    await this.logs.close(executionId);
    tell('attempt-failed', { code: outcome.failure?.code ?? 'INTERNAL' });
    this.logger.log({
      msg: 'attempt failed, to be tried again',
      ...namesOf(delivery),
      code: outcome.failure?.code,
    });
    throw new AttemptFailedError(outcome.error ?? outcome.status);
  }
}
