import type { FastifyInstance, RouteOptions } from 'fastify';

/** A whole workspace may come in one request; a larger one sends its sources in several. */
export const WORKSPACE_BODY_BYTES = 64 * 1024 * 1024;
/** A thousand executions with some code each. */
const BATCH_BODY_BYTES = 32 * 1024 * 1024;

const LIMITS: Readonly<Record<string, number>> = {
  'PUT /workspace': WORKSPACE_BODY_BYTES,
  'PUT /workspace/sources': WORKSPACE_BODY_BYTES,
  'POST /executions/batch': BATCH_BODY_BYTES,
};

/** Lets larger bodies into the routes that need them, and into no other. Call it before routes are made. */
export function allowLargeBodies(http: Pick<FastifyInstance, 'addHook'>): void {
  http.addHook('onRoute', (route: RouteOptions) => {
    const limit = LIMITS[`${String(route.method)} ${route.url}`];
    if (limit !== undefined) route.bodyLimit = limit;
  });
}
