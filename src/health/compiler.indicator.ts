import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { CompilerPool } from '../compile/compiler-pool.js';

/** Down while no compiler can be started: code that is not compiled yet would go back to the queue. */
@Injectable()
export class CompilerIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly compilers: CompilerPool,
  ) {}

  check(): HealthIndicatorResult<'compiler'> {
    const check = this.health.check('compiler');
    const { problem, size } = this.compilers;
    return problem === null ? check.up({ processes: size }) : check.down({ reason: problem });
  }
}
