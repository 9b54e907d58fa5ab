import { Inject, Injectable } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { ContextService, type LoadedExecution } from '../context/context.service.js';
import { ExecutorService } from '../executor/executor.service.js';
import { type JobRequest, parseJob } from '../queue/parse-job.js';
import { WORK_QUEUE } from '../queue/queue-tokens.js';
import { after, begin, type Soon } from '../lib/soon.js';
import { FirstCommand, type FirstReads } from '../results/at-once/first-command.js';
import { NextJobs } from '../results/at-once/next-jobs.js';
import type { DeliveryMark } from '../results/delivery-identity.js';
import { type BeforeTake, type Delivery, markOf } from './delivery.js';
import { childFailureOf, takenWith } from './bull/held-job.js';
import { FlowChildrenReader } from './flow-children.js';
import { RunningExecutions } from './running-executions.js';

/** First step of the main flow: a job becomes a delivery, and everything that it needs is being read. */
@Injectable()
export class DeliveryOpener {
  constructor(
    private readonly contexts: ContextService,
    private readonly executor: ExecutorService,
    private readonly children: FlowChildrenReader,
    private readonly running: RunningExecutions,
    private readonly first: FirstCommand,
    private readonly next: NextJobs,
    @Inject(WORK_QUEUE) private readonly queue: Pick<Queue, 'toKey'>,
  ) {}

  /**
   * Asks for everything together, to wait for Redis once: most executions are taken by the same command. Never throws:
   * a job that cannot be read is a delivery with a refusal, and what cannot be read of Redis fails where it is awaited.
   */
  open(job: Job, token: string): Delivery {
    const request = parseJob(job);
    const mark = markOf(job);
    const running = this.running.enter(request.executionId);
    const taking = this.isPlain(job, request) ? begin(() => this.take(job, request, mark)) : null;
    const loading = begin(() => this.load(request, taking));
    const before = begin(() => this.readBefore(job, taking));
    return { job, token, request, mark, stops: running, loading, before };
  }

  /** Gives up a job that this worker does not go on with: its execution may have been taken with it. Never rejects. */
  async giveBack(job: Job): Promise<void> {
    const taken = takenWith(job);
    if (taken) await this.next.giveBack(taken);
  }

  /** Whether nothing has to be known of it before it is taken. */
  private isPlain(job: Job, request: JobRequest): boolean {
    if (takenWith(job)) return true;
    return this.first.isPossible && request.tick === null && childFailureOf(job) === null;
  }

  private take(job: Job, request: JobRequest, mark: DeliveryMark): Soon<FirstReads | null> {
    const { executionId, again } = request;
    return this.first.take({
      executionId,
      contextId: 'contextId' in request ? request.contextId : executionId,
      jobKey: this.queue.toKey(job.id ?? ''),
      claim: { mark, again },
      hasGenerations: this.executor.hasGenerations,
      taken: takenWith(job),
    });
  }

  private readBefore(job: Job, taking: Soon<FirstReads | null>): Soon<BeforeTake> {
    return after(taking, (taken) => {
      if (taken === null) return this.readOfParent(job);
      this.executor.noteGeneration(taken.generation);
      return { generation: taken.generation, family: null, turn: taken.turn };
    });
  }

  private async readOfParent(job: Job): Promise<BeforeTake> {
    const [generation, family] = await Promise.all([
      this.executor.currentGeneration(),
      this.children.read(job),
    ]);
    return { generation, family, turn: null };
  }

  private load(request: JobRequest, taking: Soon<FirstReads | null>): Soon<LoadedExecution> {
    if ('refusal' in request) throw request.refusal;
    const { executionId } = request;
    if (request.kind === 'task') return this.contexts.fromTask(request.task, executionId);
    const { seal, contextId } = request;
    return after(taking, (taken) => {
      if (taken?.isFlagged) this.running.cancelFlagged(executionId);
      if (taken?.context != null) return this.contexts.read(taken.context, executionId, seal, contextId);
      return this.loadAlone(request, taken !== null);
    });
  }

  private async loadAlone(
    { executionId, seal, contextId }: ContextRequest,
    isFlagKnown: boolean,
  ): Promise<LoadedExecution> {
    const [loaded] = await Promise.all([
      this.contexts.load(executionId, seal, contextId),
      isFlagKnown || this.running.checkFlag(executionId),
    ]);
    return loaded;
  }
}

/** A request whose context is in Redis. */
type ContextRequest = Extract<JobRequest, { kind: 'execution'; contextId: string }>;
