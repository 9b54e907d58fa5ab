// Part of `npm run build`: writes the site of the documentation to dist/docs. A link to a heading that is not there ends it with 1.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSite } from './site.ts';

const OUT = join(import.meta.dirname, '..', 'dist', 'docs');

const { files, brokenLinks } = buildSite();
rmSync(OUT, { recursive: true, force: true });
for (const [address, content] of files) {
  const path = join(OUT, address);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  // As the API serves it to every browser.
  if (typeof content === 'string') writeFileSync(`${path}.gz`, gzipSync(content));
}
if (brokenLinks.length > 0) {
  process.stderr.write(`links to headings that are not there:\n${brokenLinks.join('\n')}\n`);
  process.exitCode = 1;
}
