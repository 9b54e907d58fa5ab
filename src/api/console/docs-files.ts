import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PAGE_HEADERS } from './console-files.js';

/** The built site of the documentation. */
const DOCS_DIR = fileURLToPath(new URL('../../docs', import.meta.url));

/**
 * Serves the documentation at /docs/, under the policy of the console: its pages hold no script and no style. It is the same
 * on every machine and needs no token. One route for all of it: its files are many, and a route for each would
 * slow the start down.
 */
export function serveDocs(app: NestFastifyApplication): void {
  if (!existsSync(DOCS_DIR)) return;
  void app.register(fastifyStatic, {
    root: DOCS_DIR,
    prefix: '/docs',
    redirect: true,
    preCompressed: true,
    decorateReply: false,
    setHeaders: (reply) => {
      for (const [name, value] of Object.entries(PAGE_HEADERS)) void reply.header(name, value);
    },
  });
}
