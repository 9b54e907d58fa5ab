import type { FastifyInstance, RouteOptions } from 'fastify';

/** A whole workspace may come in one request; a larger one sends its sources in several. */
export const WORKSPACE_BODY_BYTES = 64 * 1024 * 1024;

const ROUTES: ReadonlySet<string> = new Set(['/workspace', '/workspace/sources']);

/** Lets larger bodies into the routes that take sources, and into no other. Call it before routes are made. */
export function allowWorkspaceBodies(http: Pick<FastifyInstance, 'addHook'>): void {
  http.addHook('onRoute', (route: RouteOptions) => {
    if (route.method === 'PUT' && ROUTES.has(route.url)) route.bodyLimit = WORKSPACE_BODY_BYTES;
  });
}
