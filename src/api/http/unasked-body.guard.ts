import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyRequest } from 'fastify';
import { ProblemException } from './problem.js';

/** The start of the key under which Nest keeps that a handler asks for the body. */
const OF_BODY = `${RouteParamtypes.BODY}:`;

/**
 * Refuses a body where none is asked for. To ignore it would lose what its sender means, such as the reason of a
 * request to cancel, which belongs into the query. An empty object says nothing, and many clients send one always.
 */
@Injectable()
export class UnaskedBodyGuard implements CanActivate {
  /** @throws {ProblemException} 400 */
  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    const fields = fieldsOf(body);
    if (fields.length === 0 || asksForBody(context)) return true;
    const message = 'is not accepted: this request takes no body; /docs lists its parameters';
    throw new ProblemException('invalid-request', `${fields.join(', ')}: ${message}`, {
      errors: fields.map((field) => ({ field, message })),
    });
  }
}

function fieldsOf(body: unknown): string[] {
  if (body === undefined || body === null) return [];
  return typeof body === 'object' && !Array.isArray(body) ? Object.keys(body) : ['body'];
}

function asksForBody(context: ExecutionContext): boolean {
  const { name } = context.getHandler();
  const args: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), name);
  return Object.keys(args ?? {}).some((key) => key.startsWith(OF_BODY));
}
