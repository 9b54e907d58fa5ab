import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { RunnerPool } from '../executor/pool/runner-pool.js';
import { QueueConsumer } from '../worker/queue-consumer.js';

/** Up while runners can be started. */
@Injectable()
export class CapacityIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly pool: RunnerPool,
    private readonly consumer: QueueConsumer,
  ) {}

  check(): HealthIndicatorResult<'capacity'> {
    const check = this.health.check('capacity');
    const factory = this.pool.factoryInUse();
    const detail = {
      running: this.consumer.running,
      isolation: factory?.choice.level.name ?? null,
      runners: factory?.way ?? null,
    };
    const reason = this.pool.problem;
    return reason === null ? check.up(detail) : check.down({ ...detail, reason });
  }
}
