import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import { ResultQueueGauge } from '../results/result-queue-gauge.js';

/** Degraded while more results wait on the result queue than RESULT_QUEUE_WARN_LENGTH. */
@Injectable()
export class ResultQueueIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly gauge: ResultQueueGauge,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  async check(): Promise<HealthIndicatorResult<'result_queue'>> {
    const check = this.health.check('result_queue');
    const { areQueued: publishes, warnLength: limit, queue } = this.settings;
    // Without Redis there is nothing to say here; that indicator says it.
    const length = await this.gauge.length().catch(() => null);
    if (length === null || length <= limit) return check.up({ publishes, length });
    const reason = `${length} results wait on ${queue} (more than RESULT_QUEUE_WARN_LENGTH=${limit}): start what consumes them, or set RESULT_QUEUE=off and empty that queue if nothing does`;
    return check.degraded({ publishes, length, reason });
  }
}
