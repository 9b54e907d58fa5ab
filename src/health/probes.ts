import type { HealthIndicatorFunction } from '@nestjs/terminus';

/** Injects what must be up for this process to be ready; which that is depends on its roles. */
export const READINESS: unique symbol = Symbol('Readiness');

/** Injects what must be up unless the process is to be restarted: few conditions, none of which a restart elsewhere would mend. */
export const LIVENESS: unique symbol = Symbol('Liveness');

/** The indicators of this process, cheap and never throwing. */
export type Readiness = readonly HealthIndicatorFunction[];
