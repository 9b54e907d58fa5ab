import { registerHooks } from 'node:module';
import type { ShippedModule } from '../contract/runner-protocol.js';

/** Lets `import` find the given modules by URL, with nothing on disk. */
export function serveModules(modules: readonly ShippedModule[]): void {
  const byUrl = new Map(modules.map((shipped) => [shipped.url, shipped]));
  registerHooks({
    resolve(specifier, context, next) {
      const shipped = byUrl.get(specifier);
      return shipped
        ? { url: shipped.url, format: shipped.format, shortCircuit: true }
        : next(specifier, context);
    },
    load(url, context, next) {
      const shipped = byUrl.get(url);
      return shipped
        ? { format: shipped.format, source: shipped.source, shortCircuit: true }
        : next(url, context);
    },
  });
}
