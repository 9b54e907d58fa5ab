import { SetMetadata } from '@nestjs/common';
import type { Role } from '../../contract/tenants/access.js';

/**
 * What a route gives its caller, and so what is checked beside the role, before its handler is called:
 * - `open`: nothing that would need a token.
 * - `shared`: what is the same for all organizations.
 * - `everything`: what concerns all organizations; only tokens for all of them may.
 * - `own`: what belongs to the organizations of the caller: its handler takes the caller and narrows by it.
 * - `execution`, `batch`, `schedule`, `organization`: the one that the path names, which must be the caller's.
 */
export type Reach =
  | 'open'
  | 'shared'
  | 'everything'
  | 'own'
  | 'execution'
  | 'batch'
  | 'schedule'
  | 'organization';

/** What a caller needs for a route. */
export interface AccessRule {
  role: Role;
  reach: Reach;
}

export const ACCESS = 'bifrost:access';

/** Says what a caller needs for this route. A route without it keeps the application from starting. */
export const Access = (role: Role, reach: Reach): MethodDecorator & ClassDecorator =>
  SetMetadata<string, AccessRule>(ACCESS, { role, reach });

/** A route for which no token is needed. */
export const Open = (): MethodDecorator & ClassDecorator => Access('read', 'open');
