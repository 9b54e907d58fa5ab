import { readFileSync } from 'node:fs';

/** Version of this software, from its package.json; it lies two folders up from src/lib and dist/lib alike. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
