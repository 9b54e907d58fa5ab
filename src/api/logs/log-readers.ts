import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type LogSettings, logSettings } from '../../config/slices.js';
import { ProblemException } from '../http/problem.js';

/** Of all readers, the part that may read one execution's log: the others stay readable. */
const SHARE_OF_ONE_EXECUTION = 1 / 4;
const RETRY_AFTER_SECONDS = '5';

/** Limits of open event streams of logs: readersLimit together, a quarter of it on one execution. */
@Injectable()
export class LogReaders {
  private readonly limit: number;
  private readonly limitOfOne: number;
  private readonly byExecution = new Map<string, number>();
  private total = 0;

  constructor(@InjectSettings(logSettings) { readersLimit }: Pick<LogSettings, 'readersLimit'>) {
    this.limit = readersLimit;
    this.limitOfOne = Math.ceil(readersLimit * SHARE_OF_ONE_EXECUTION);
  }

  /** Readers at this moment. */
  get size(): number {
    return this.total;
  }

  /**
   * Counts one more reader of this execution's log.
   * @returns what ends that; later calls do nothing.
   * @throws {ProblemException} 503 with Retry-After when there are as many as may be.
   */
  enter(executionId: string): () => void {
    const ofThis = this.byExecution.get(executionId) ?? 0;
    if (ofThis >= this.limitOfOne)
      throw tooMany(`${ofThis} readers follow the log of this execution, and more may not`);
    if (this.total >= this.limit) throw tooMany(`${this.total} readers follow logs, and more may not`);
    this.byExecution.set(executionId, ofThis + 1);
    this.total += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.leave(executionId);
    };
  }

  private leave(executionId: string): void {
    const others = (this.byExecution.get(executionId) ?? 1) - 1;
    if (others === 0) this.byExecution.delete(executionId);
    else this.byExecution.set(executionId, others);
    this.total -= 1;
  }
}

const tooMany = (what: string): ProblemException =>
  new ProblemException(
    'unavailable',
    `${what} (readersLimit): try again later, or read pages with accept: application/json`,
    { headers: { 'retry-after': RETRY_AFTER_SECONDS } },
  );
