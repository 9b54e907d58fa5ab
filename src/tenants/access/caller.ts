import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Role } from '../../contract/tenants/access.js';

/** The one that sends a request, and what that may do. */
export interface Caller {
  /** Of the token; `API_TOKEN`, or `local` where no token is set. */
  id: string;
  name: string;
  role: Role;
  /** Whose executions it may see and change; null: those of all organizations. */
  organizations: readonly string[] | null;
}

/** Of the token that the settings name: the first admin. */
export const FIRST_ADMIN: Caller = { id: 'API_TOKEN', name: 'API_TOKEN', role: 'admin', organizations: null };
/** Without API_TOKEN: every program of this machine. */
export const LOCAL_CALLER: Caller = { id: 'local', name: 'local', role: 'admin', organizations: null };
/** Where nothing is asked of the one that comes: a link that is signed, metrics that are open. */
export const READER: Caller = { id: 'link', name: 'link', role: 'read', organizations: null };

const callers = new WeakMap<object, Caller>();

/** Notes the caller of a request, for the rest of its way. */
export const noteCaller = (request: object, caller: Caller): void => void callers.set(request, caller);

/** The caller of a request; undefined where a route is open to all. */
export const callerOf = (request: object): Caller | undefined => callers.get(request);

/** The caller, as an argument of a handler. @throws Error for a route that is open to all, which has none */
export const CalledBy = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = callerOf(context.switchToHttp().getRequest<object>());
  if (caller) return caller;
  throw new Error('this route has no caller: it is open');
});

/** Whether something of this organization is the caller's business; null: it belongs to none. */
export const mayReach = ({ organizations }: Caller, organization: string | null): boolean =>
  organizations === null || (organization !== null && organizations.includes(organization));
