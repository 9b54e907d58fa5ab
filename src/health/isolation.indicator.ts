import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { failedChecks } from '../contract/isolation-report.js';
import { SelfTestService } from '../executor/self-test.service.js';

/**
 * Degraded when the worker's attack on itself got through somewhere, as it does not pass by waiting and an
 * operator may still want the work done; down only until that is known. A worker that must not work with
 * such a grade (ISOLATION_REQUIRED_GRADE) has ended.
 */
@Injectable()
export class IsolationIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly selfTest: SelfTestService,
  ) {}

  check(): HealthIndicatorResult<'isolation'> {
    const check = this.health.check('isolation');
    const { report } = this.selfTest;
    if (report === null) return check.down({ reason: 'the self-test of the isolation is not done' });
    const { level, grade, network, native_addons } = report;
    const failed = failedChecks(report);
    const detail = { level, grade, network, ...(native_addons ? { native_addons } : {}), failed };
    if (failed.length === 0) return check.up(detail);
    return check.degraded({
      ...detail,
      reason: `user code got through: ${failed.join(', ')}; the log and \`bifrost doctor\` say how and what to do`,
    });
  }
}
