import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { HeartbeatService } from '../heartbeat/heartbeat.service.js';

/** Up while other programs see this worker as alive. */
@Injectable()
export class HeartbeatIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly heartbeat: HeartbeatService,
  ) {}

  check(): HealthIndicatorResult<'heartbeat'> {
    const check = this.health.check('heartbeat');
    const ageMs = this.heartbeat.ageMs;
    if (ageMs === null) return check.down({ reason: 'no heartbeat has been written yet' });
    const detail = { age_ms: Math.round(ageMs) };
    return this.heartbeat.isFresh
      ? check.up(detail)
      : check.down({ ...detail, reason: 'the last heartbeat has expired' });
  }
}
