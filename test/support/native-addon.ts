import { globSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * A native add-on for this machine: any of those that the tools of this project bring.
 * @throws {Error} when there is none.
 */
export function anyNativeAddon(): string {
  const found = globSync(`node_modules/@*/*-${process.platform}-${process.arch}*/*.node`, { cwd: ROOT });
  const [first] = found.toSorted();
  if (first === undefined) throw new Error('there is no native addon in node_modules to try');
  return join(ROOT, first);
}
