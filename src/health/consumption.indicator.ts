import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { ConsumptionWatch } from '../worker/services/consumption-watch.js';

/** A worker that takes nothing for this long, while work waits and Redis answers, is not ready. */
const NOT_READY_MS = 30_000;
/** A fetch is tried again each second; one that fails for this long is no passing trouble. */
const NO_FETCH_MS = 3_000;
/** Whatever keeps it from taking work has not passed by itself in this time: a new process may help. */
const NOT_LIVE_MS = 120_000;

/** Up while this worker takes work whenever work waits. The one condition under which it asks to be restarted. */
@Injectable()
export class ConsumptionIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly watch: ConsumptionWatch,
  ) {}

  check(): HealthIndicatorResult<'consumption'> {
    const { fetchTrouble: trouble } = this.watch;
    if (trouble === null || trouble.forMs < NO_FETCH_MS) return this.within(NOT_READY_MS);
    const seconds = Math.round(trouble.forMs / 1_000);
    return this.health
      .check('consumption')
      .down({ reason: `no job could be fetched for ${seconds} s: ${trouble.reason}` });
  }

  /** For the probe after whose failure an orchestrator restarts the process. */
  alive(): HealthIndicatorResult<'consumption'> {
    return this.within(NOT_LIVE_MS);
  }

  private within(limitMs: number): HealthIndicatorResult<'consumption'> {
    const check = this.health.check('consumption');
    const { standstillMs } = this.watch;
    const detail = { standstill_ms: standstillMs };
    return standstillMs < limitMs
      ? check.up(detail)
      : check.down({
          ...detail,
          reason: `work waits and this worker has taken none for ${standstillMs / 1_000} s, although it has room`,
        });
  }
}
