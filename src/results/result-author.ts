import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import type { ExecutionResult } from '../contract/result.js';
import type { AttemptReport } from '../outcome/attempt-report.js';
import { resultDocument, type ResultIdentity } from '../outcome/result-document.js';

/** Which attempt of which execution, by whichever worker. */
export type AttemptOf = Omit<ResultIdentity, 'workerId'>;

/** The one place that makes result documents: of what runs, of what never ran, and of what is still queued. */
@Injectable()
export class ResultAuthor {
  constructor(@InjectSettings(resultSettings) private readonly settings: ResultSettings) {}

  /** The result of an attempt, in the name of this worker, without secrets. */
  write(attempt: AttemptOf, report: AttemptReport): ExecutionResult {
    return resultDocument({ ...attempt, workerId: this.settings.workerId }, report);
  }
}
