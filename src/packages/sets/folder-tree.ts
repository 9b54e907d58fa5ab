import { chmod, lstat, opendir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A package holds what a package of a registry never needs; the install counts as failed. */
export class UnsafeTreeError extends Error {
  override name = 'UnsafeTreeError';
}

/**
 * Takes write permission from everything below a folder, not from the folder itself, which still has to
 * be renamed. Returns the size of all files in bytes.
 * @throws {UnsafeTreeError} for a link that leads out of the folder, a device, a socket or a pipe.
 */
export async function makeReadOnly(folder: string): Promise<number> {
  const root = await realpath(folder);
  let sizeBytes = 0;
  for await (const path of walk(folder)) {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) {
      const target = await realpath(path).catch(() => '');
      if (!target.startsWith(root + sep)) {
        throw new UnsafeTreeError(
          `${path.slice(folder.length + 1)} is a link that leads out of the package set`,
        );
      }
    } else if (stats.isDirectory()) await chmod(path, 0o555);
    else if (stats.isFile()) {
      sizeBytes += stats.size;
      await chmod(path, 0o444);
    } else throw new UnsafeTreeError(`${path.slice(folder.length + 1)} is neither a file nor a folder`);
  }
  return sizeBytes;
}

/** Sets the mode of a folder and takes write permission from one file in it. */
export async function seal(folder: string, file: string, mode = 0o555): Promise<void> {
  await chmod(join(folder, file), 0o444).catch(() => undefined);
  await chmod(folder, mode);
}

/** Removes a folder with everything in it, read-only or not. A folder that is not there is fine. */
export async function removeTree(folder: string): Promise<void> {
  const stats = await lstat(folder).catch(() => null);
  if (stats === null) return;
  if (stats.isDirectory()) {
    await chmod(folder, 0o755).catch(() => undefined);
    await unlock(folder);
  }
  await rm(folder, { recursive: true, force: true });
}

/** Size of all files below a folder, in bytes; files that vanish during the walk count nothing. */
export async function sizeOf(folder: string): Promise<number> {
  let sizeBytes = 0;
  for await (const path of walk(folder)) sizeBytes += (await lstat(path).catch(() => null))?.size ?? 0;
  return sizeBytes;
}

/** A folder must be writable before what is in it can be removed, so top-down. */
async function unlock(folder: string): Promise<void> {
  for await (const entry of await opendir(folder)) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    await chmod(path, 0o755);
    await unlock(path);
  }
}

/** Everything below a folder, the content of a folder before the folder itself; links are not followed. */
async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    yield path;
  }
}
