import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** The built console: `index.html`, and `assets` whose names hold their hashes. */
export const CONSOLE_DIR = fileURLToPath(new URL('../../console', import.meta.url));

/** What a browser may do with the page: load what is of this origin, and nothing that is written into it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  // No text can become HTML: nothing in the console makes markup, and a library that would is stopped.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of the page. It names the files of one build, so it is never kept. */
export const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-cache',
} as const;

/** Serves the scripts and styles of the console as the build compressed them, for good, since a name never changes its content. */
export function serveConsoleFiles(app: NestFastifyApplication): void {
  const root = join(CONSOLE_DIR, 'assets');
  if (!existsSync(root)) return;
  void app.register(fastifyStatic, {
    root,
    prefix: '/console/assets/',
    // One route for each file: nothing else is looked for on the disk.
    wildcard: false,
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
    setHeaders: (reply) => {
      void reply.header('x-content-type-options', 'nosniff');
      void reply.header('cross-origin-resource-policy', 'same-origin');
    },
  });
}
