import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { PackageFailure } from '../contract/packages.js';
import { PackagesService } from '../packages/packages.service.js';

/** Failures that are named; a probe's answer stays small. */
const NAMED = 20;

/**
 * Always up: a worker whose packages failed still serves what does not need them. The details
 * say what failed; why it did is in `GET /packages` and in the log.
 */
@Injectable()
export class PackagesIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly packages: PackagesService,
  ) {}

  check(): HealthIndicatorResult<'packages'> {
    const { state, set, failed } = this.packages.status;
    return this.health.check('packages').up({ state, set, failed: failed.slice(0, NAMED).map(nameOf) });
  }
}

/** Probes need no token, and a refused line may hold anything, such as an address with a password. */
const nameOf = ({ phase, spec, line }: PackageFailure): string =>
  phase === 'refused' ? `line ${line ?? '?'}` : spec;
