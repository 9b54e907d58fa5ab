import { Inject, Injectable } from '@nestjs/common';
import type { JobKind } from '../contract/jobs/job.js';
import type { Webhook } from '../contract/jobs/webhook.js';
import type { Tick } from '../contract/jobs/schedule.js';
import type { Subject } from '../contract/subject.js';
import type { QueueTimes } from '../outcome/receipt.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { textUnder } from '../redis/text-key.js';
import { subjectIn } from './context-subjects.js';
import { Lanes } from './fairness/lanes.js';
import { JobFinder } from './job-finder.js';
import { parseJob } from './parse-job.js';
import { queueTimes, UNKNOWN_TIMES } from './queue-times.js';

/** What is known of an execution that no worker carries out. */
export interface QueuedExecution {
  kind: JobKind;
  times: QueueTimes;
  tick: Tick | null;
  subject: Subject;
  webhook: Webhook | null;
}

/** Executions that wait on the queue, as their job and their context say. */
@Injectable()
export class QueuedExecutions {
  constructor(
    private readonly jobs: JobFinder,
    private readonly lanes: Lanes,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** null: there is neither a job nor a context of it. */
  async find(executionId: string): Promise<QueuedExecution | null> {
    const [named, context] = await Promise.all([
      this.jobs.findByName(executionId),
      textUnder(this.redis, this.keys.context(executionId)),
    ]);
    const subject = subjectIn(context);
    // A job without context of ours is a task, whose result goes out in another form: worth a search.
    const job = named ?? (context !== null ? null : await this.jobs.find(executionId));
    if (!job)
      return context === null
        ? null
        : { kind: 'execution', times: UNKNOWN_TIMES, tick: null, subject, webhook: null };
    const { kind, tick, webhook } = parseJob(job);
    const first = {
      kind: 'ours',
      run: 1,
      attempt: 1,
      starts: 1,
      freed: null,
      generation: null,
      cancel: null,
    } as const;
    return { kind, times: queueTimes(job, first, Date.now()), tick, subject, webhook };
  }

  /** Takes the job off the queue. One that a worker is just taking stays: it finds the result. */
  async remove(executionId: string, { organization }: Subject): Promise<void> {
    const job = await this.jobs.find(executionId);
    if (!job || (await job.isActive())) return;
    await job.remove();
    this.lanes.noteRemoved(job.id ?? '', organization?.id ?? '');
  }
}
