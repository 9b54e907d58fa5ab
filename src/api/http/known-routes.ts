import type { FastifyInstance, RouteOptions } from 'fastify';

/** All that is served: with it, a method that a path does not have is another answer than a path that is not there. */
export class KnownRoutes {
  private readonly methods = new Map<string, Set<string>>();
  private patterns: [RegExp, ReadonlySet<string>][] | undefined;

  add(methods: readonly string[], route: string): void {
    const known = this.methods.get(route) ?? new Set<string>();
    for (const method of methods) known.add(method);
    this.methods.set(route, known);
    this.patterns = undefined;
  }

  /** The methods that a path has, in the order of the alphabet; none: there is no such path. */
  methodsOf(path: string): string[] {
    this.patterns ??= [...this.methods].map(([route, methods]) => [patternOf(route), methods]);
    const found = this.patterns.filter(([pattern]) => pattern.test(path));
    return [...new Set(found.flatMap(([, methods]) => [...methods]))].toSorted();
  }
}

/** Takes note of the routes that are made from now on. */
export function knownRoutes(http: Pick<FastifyInstance, 'addHook'>): KnownRoutes {
  const routes = new KnownRoutes();
  http.addHook('onRoute', ({ method, url }: RouteOptions) => routes.add([method].flat(), url));
  return routes;
}

/** `/a/:id/*` of the router. */
function patternOf(route: string): RegExp {
  const parts = route.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    return part === '*' ? '.*' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('/')}$`, 's');
}
