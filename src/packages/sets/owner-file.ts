import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAlive, ownIdentity, processIdentitySchema } from './process-identity.js';

/** A file without a readable owner is being written, or, after this time, has no owner. */
const UNREADABLE_TRUST_MS = 60_000;

/** Text of a file that says which process owns what it stands for. */
export const ownerText = (): string => JSON.stringify(ownIdentity());

/** Writes a file in one step: a reader sees all of it or nothing. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Whether the owner named in a file still runs. A file that is not there has no owner. */
export async function ownerAlive(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    const identity = processIdentitySchema.safeParse(parseOr(await readFile(path, 'utf8')));
    if (!identity.success) return Date.now() - mtimeMs < UNREADABLE_TRUST_MS;
    return isAlive(identity.data, mtimeMs, Date.now());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
