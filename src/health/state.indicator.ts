import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { WorkerState } from '../contract/worker-record.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';

/** Why a worker in this state is sent no traffic; null: it is. */
const REASONS: Readonly<Record<WorkerState, string | null>> = {
  STARTING: 'the worker is starting',
  ACTIVE: null,
  PAUSED: 'an operator paused the worker',
  DRAINING: 'the worker is draining: it takes no work and will stop',
  STOPPED: 'the worker has stopped',
};

/** Up while the worker takes work. */
@Injectable()
export class StateIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly state: WorkerStateHolder,
  ) {}

  check(): HealthIndicatorResult<'state'> {
    const check = this.health.check('state');
    const state = this.state.current;
    const { startProblem } = this.state;
    const reason =
      state === 'STARTING' && startProblem !== null
        ? `the worker cannot start and tries again: ${startProblem}`
        : REASONS[state];
    return reason === null ? check.up({ state }) : check.down({ state, reason });
  }
}
