import { type Caller, mayReach } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';

interface OfOrganization {
  organization?: ({ id: string } & Record<string, unknown>) | null | undefined;
}

/**
 * What a caller asks to run, for one of its organizations: where it has only one and names none, for that.
 * @param prefix of the field in the body, with a dot at its end
 * @throws {ProblemException} 403 for another one's, or for none where it has several.
 */
export function ownContext<T extends OfOrganization>(context: T, caller: Caller | undefined, prefix = ''): T {
  if (!caller?.organizations) return context;
  const named = context.organization?.id ?? null;
  if (named !== null && mayReach(caller, named)) return context;
  const [only, ...others] = caller.organizations;
  if (named === null && only !== undefined && others.length === 0)
    return { ...context, organization: { ...context.organization, id: only } };
  const message = `must be one of ${caller.organizations.join(', ')}: the token "${caller.name}" is for no other`;
  throw new ProblemException('forbidden', `${prefix}organization.id: ${message}`, {
    errors: [{ field: `${prefix}organization.id`, message }],
  });
}
