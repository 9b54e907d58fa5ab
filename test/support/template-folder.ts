import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '.bifrost', 'test-templates');

/**
 * A folder that is costly to make and is only copied by tests: made by the first test that needs it, and kept
 * in the data folder of the project. Several may make it at once; one of them is taken.
 */
export async function templateFolder(
  name: string,
  make: (path: string) => void | Promise<void>,
): Promise<string> {
  const path = join(ROOT, name);
  if (existsSync(path)) return path;
  mkdirSync(ROOT, { recursive: true });
  const made = mkdtempSync(join(ROOT, `${name}-`));
  await make(made);
  try {
    renameSync(made, path);
  } catch {
    rmSync(made, { recursive: true, force: true });
  }
  return path;
}
