import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { ContextService, type LoadedExecution } from '../context/context.service.js';
import { ExecutorService } from '../executor/executor.service.js';
import { type JobRequest, parseJob } from '../queue/parse-job.js';
import { type Delivery, markOf } from './delivery.js';
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
  ) {}

  /**
   * Asks for everything together, to wait for Redis once. Never throws: a job that cannot be read is a delivery
   * with a refusal, and what cannot be read of Redis fails where it is awaited.
   * @param interrupt aborts when this worker cannot go on with the job
   */
  open(job: Job, token: string, interrupt: AbortSignal): Delivery {
    const request = parseJob(job);
    const running = this.running.enter(request.executionId);
    return {
      job,
      token,
      request,
      mark: markOf(job),
      stops: {
        interrupt: AbortSignal.any([interrupt, running.overtaken]),
        cancellation: running.cancellation,
      },
      loading: read(() => this.load(request)),
      generation: read(() => this.executor.currentGeneration()),
      family: read(() => this.children.read(job)),
      [Symbol.dispose]: () => running[Symbol.dispose](),
    };
  }

  private async load(request: JobRequest): Promise<LoadedExecution> {
    if ('refusal' in request) throw request.refusal;
    if (request.kind === 'task') return this.contexts.fromTask(request.task, request.executionId);
    const [loaded] = await Promise.all([
      this.contexts.load(request.executionId, request.seal, request.contextId),
      this.running.checkFlag(request.executionId),
    ]);
    return loaded;
  }
}

/** What is read ahead may fail before a step waits for it. */
function read<T>(start: () => Promise<T>): Promise<T> {
  const reading = Promise.try(start);
  reading.catch(() => undefined);
  return reading;
}
