import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { InjectSettings } from '../config/config.module.js';
import {
  type ResultSettings,
  resultSettings,
  type WorkerSettings,
  workerSettings,
} from '../config/slices.js';
import type { Holdup } from '../results/held-results.js';
import { ResultPublisher } from '../results/result-publisher.js';
import { ResultQueueGauge } from '../results/result-queue-gauge.js';

/** A result that Redis refuses for this long is not delivered by trying again alone. */
const HELD_MS = 10_000;

/**
 * Degraded while more results wait on the result queue than RESULT_QUEUE_WARN_LENGTH, or Redis does not take one of this
 * worker's; down while those hold as many places as it has, so that it can take no work.
 */
@Injectable()
export class ResultQueueIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly gauge: ResultQueueGauge,
    private readonly publisher: ResultPublisher,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
    @InjectSettings(workerSettings) private readonly worker: WorkerSettings,
  ) {}

  async check(): Promise<HealthIndicatorResult<'result_queue'>> {
    const check = this.health.check('result_queue');
    const { areQueued: publishes, warnLength: limit, queue } = this.settings;
    // Without Redis there is nothing to say here; that indicator says it.
    const length = await this.gauge.length().catch(() => null);
    const holdup = this.publisher.held.heldFor(HELD_MS);
    if (holdup !== null) {
      const detail = { publishes, length, reason: sayOf(holdup) };
      return holdup.results < this.worker.concurrency ? check.degraded(detail) : check.down(detail);
    }
    if (length === null || length <= limit) return check.up({ publishes, length });
    const reason = `${length} results wait on ${queue} (more than RESULT_QUEUE_WARN_LENGTH=${limit}): start what consumes them, or set RESULT_QUEUE=off and empty that queue if nothing does`;
    return check.degraded({ publishes, length, reason });
  }
}

const sayOf = ({ results, forMs, reason }: Holdup): string =>
  `Redis has refused ${results === 1 ? 'a result' : `${results} results`} of this worker, which hold${results === 1 ? 's its place' : ' their places'}, for up to ${Math.round(forMs / 1_000)} s: ${reason}`;
