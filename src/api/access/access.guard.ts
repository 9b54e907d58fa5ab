import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { mayAs } from '../../contract/tenants/access.js';
import { ACCESS, type AccessRule } from '../../tenants/access/access.decorator.js';
import { type Caller, callerOf, mayReach } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';
import type { Ownership } from './ownership.service.js';

type Params = Readonly<Record<string, string | undefined>>;

/**
 * The one place that decides what a caller may do: by the role that the route needs, and by whose the thing is that its
 * path names. What is another organization's answers as what is not there.
 */
export class AccessGuard implements CanActivate {
  private readonly reflector = new Reflector();

  /** @param ownership of the API; a process without one has no route that would ask */
  constructor(private readonly ownership: () => Ownership) {}

  /** @throws {ProblemException} 403 or 404 */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (rule === undefined) throw new Error('this route does not say what a caller needs');
    if (rule.reach === 'open') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = callerOf(request);
    if (caller === undefined) throw new Error('a route that is not open was reached without a caller');
    checkRole(caller, rule);
    if (caller.organizations !== null) await this.checkReach(caller, rule, request);
    return true;
  }

  private async checkReach(caller: Caller, { reach }: AccessRule, request: FastifyRequest): Promise<void> {
    const { id = '', organization = id } = request.params as Params;
    switch (reach) {
      case 'open':
      case 'shared':
      case 'own':
        return;
      case 'everything':
        throw new ProblemException(
          'forbidden',
          `This concerns all organizations; the token "${caller.name}" is for ${namesOf(caller)} only`,
        );
      case 'organization':
        if (mayReach(caller, organization)) return;
        throw new ProblemException(
          'forbidden',
          `The token "${caller.name}" is for ${namesOf(caller)} only, and not for ${organization}`,
        );
      case 'execution':
        if (mayReach(caller, await this.ownership().ofExecution(id))) return;
        throw new ProblemException('not-found', `There is no execution ${id} of ${namesOf(caller)}`);
      case 'batch':
        if (await this.ownership().reachesBatch(caller, id)) return;
        throw new ProblemException('not-found', `There is no batch ${id} of ${namesOf(caller)}`);
      case 'schedule':
        if (await this.ownership().reachesSchedule(caller, id)) return;
        if (request.method === 'PUT')
          throw new ProblemException('conflict', `The id ${id} is taken; take another for this schedule`);
        throw new ProblemException('not-found', `There is no schedule ${id} of ${namesOf(caller)}`);
    }
  }
}

function checkRole(caller: Caller, { role }: AccessRule): void {
  if (mayAs(caller.role, role)) return;
  throw new ProblemException(
    'forbidden',
    `This needs a token of the role ${role}; the token "${caller.name}" has the role ${caller.role}`,
  );
}

const namesOf = ({ organizations }: Caller): string => organizations?.join(', ') ?? 'all organizations';
