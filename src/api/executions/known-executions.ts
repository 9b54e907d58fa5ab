import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { ResultStore } from '../../results/result-store.js';
import { ProblemException } from '../http/problem.js';

/** Which ids are taken. */
@Injectable()
export class KnownExecutions {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly results: ResultStore,
  ) {}

  /** Whether there is a result, an attempt, a deletion or a job under this id. */
  async has(id: string): Promise<boolean> {
    const [result, ledger, erased, job] = await Promise.all([
      this.results.exists(id),
      this.results.findLedger(id),
      this.results.isForgotten(id),
      this.queue.getJob(jobIdOf(id)),
    ]);
    return result || ledger !== null || erased || job !== undefined;
  }

  /** @throws {ProblemException} 409 naming the field. */
  async refuse(id: string, field: string): Promise<void> {
    if (await this.has(id)) throw knownId(id, field);
  }
}

/** 409 for an id that is taken. */
export const knownId = (id: string, field: string): ProblemException =>
  new ProblemException('conflict', `${field}: ${id} is known already; choose another id or leave it out`, {
    errors: [{ field, message: 'is known already; choose another or leave it out' }],
  });
