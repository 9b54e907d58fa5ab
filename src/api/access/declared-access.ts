import type { INestApplicationContext, Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { ACCESS, type AccessRule } from '../../tenants/access/access.decorator.js';

/** A handler of a controller, and what its callers need. */
export interface DeclaredRoute {
  /** Class and method, for messages. */
  name: string;
  /** undefined: it does not say */
  rule: AccessRule | undefined;
}

/** All handlers of all controllers of an application. */
export function routesOf(app: INestApplicationContext): DeclaredRoute[] {
  const reflector = new Reflector();
  const scanner = new MetadataScanner();
  return [...app.get(ModulesContainer).values()].flatMap((module) =>
    [...module.controllers.values()].flatMap(({ metatype }) => {
      const controller = metatype as Type;
      const prototype = controller.prototype as Record<string, () => unknown>;
      return scanner.getAllMethodNames(prototype).flatMap((method) => {
        const handler = prototype[method] as () => unknown;
        const isRoute = [PATH_METADATA, METHOD_METADATA].every((key) => Reflect.hasMetadata(key, handler));
        if (!isRoute) return [];
        const rule = reflector.getAllAndOverride<AccessRule | undefined>(ACCESS, [handler, controller]);
        return [{ name: `${controller.name}.${method}`, rule }];
      });
    }),
  );
}

/** @throws Error naming the routes that do not say what a caller needs: nothing would check them. */
export function refuseUndeclaredRoutes(app: INestApplicationContext): void {
  const names = routesOf(app)
    .filter(({ rule }) => rule === undefined)
    .map(({ name }) => name);
  if (names.length > 0) throw new Error(`these routes lack @Access: ${names.join(', ')}`);
}
