import type { HealthIndicatorFunction } from '@nestjs/terminus';

/** Injects what must be up for this process to be ready; which that is depends on its roles. */
export const READINESS: unique symbol = Symbol('Readiness');

/** The indicators of this process, cheap and never throwing. */
export type Readiness = readonly HealthIndicatorFunction[];
