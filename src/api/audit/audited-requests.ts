import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, callerOf } from '../../tenants/access/caller.js';
import { AuditTrail } from '../../tenants/audit/audit-trail.js';
import { pathOf } from '../http/problem.filter.js';

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const FORBIDDEN = 403;
const LONGEST_TARGET_CHARS = 1_000;

/**
 * Writes every request that asks for a change, and every one that a token may not make, to the audit log, before it is
 * answered: an answer that a client has is in the log.
 */
export function auditRequests(app: NestFastifyApplication, workerId: string): void {
  const trail = app.get(AuditTrail, { strict: false });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', async (request: FastifyRequest, reply: FastifyReply) => {
      const caller = callerOf(request);
      const route = request.routeOptions.url;
      if (caller === undefined || route === undefined) return;
      if (READS.has(request.method) && reply.statusCode !== FORBIDDEN) return;
      const { id: tokenId, name, role } = caller;
      await trail.write({
        token_id: tokenId,
        token_name: name,
        role,
        action: `${request.method} ${route}`,
        target: targetOf(request, reply),
        organization: organizationOf(caller, request),
        status: reply.statusCode,
        worker_id: workerId,
      });
    });
}

/** Of something new, where it is from now on. */
function targetOf(request: FastifyRequest, reply: FastifyReply): string {
  const location = reply.getHeader('location');
  const target = typeof location === 'string' ? location : pathOf(request.url);
  return target.slice(0, LONGEST_TARGET_CHARS);
}

/** As far as the path says, else the token where it is for one only. */
function organizationOf({ organizations }: Caller, { params, routeOptions }: FastifyRequest): string | null {
  const { organization, id } = params as Readonly<Record<string, string | undefined>>;
  if (organization !== undefined) return organization;
  if (routeOptions.url === '/organizations/:id') return id ?? null;
  return organizations?.length === 1 ? (organizations[0] ?? null) : null;
}
