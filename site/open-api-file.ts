import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OpenApi } from './api-reference.ts';

/** A kept description of the API in one piece: schemas that are links to a file beside it are read from there. */
export function readOpenApi(path: string): OpenApi {
  const document = JSON.parse(readFileSync(path, 'utf8')) as OpenApi;
  const { schemas } = document.components;
  for (const [name, { $ref = '#' }] of Object.entries(schemas)) {
    const [file = '', pointer = ''] = $ref.split('#');
    if (file === '') continue;
    let found: unknown = JSON.parse(readFileSync(join(dirname(path), file), 'utf8'));
    for (const key of pointer.split('/').slice(1)) found = (found as Record<string, unknown>)[key];
    schemas[name] = found as OpenApi['components']['schemas'][string];
  }
  return document;
}
