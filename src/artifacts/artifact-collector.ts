import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import mime from 'mime/lite';
import type { Artifact } from '../contract/fields/artifacts.js';
import { ARTIFACTS_FOLDER, faultOfFileName } from '../contract/fields/file-names.js';
import type { ArtifactStore } from './artifact-store.js';

/** Bounds of what one execution may leave. */
export interface ArtifactLimits {
  maxBytes: number;
  maxCount: number;
}

/** What the code left cannot be kept as it is; nothing of the worker's is wrong. */
export class ArtifactRefusedError extends Error {
  override name = 'ArtifactRefusedError';
}

const CHUNK_BYTES = 262_144;
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const MB = 1_048_576;
const NOT_A_FOLDER = /^(ENOENT|ENOTDIR|ELOOP|EMLINK)$/;

/** What the artifacts of an execution are held against, beside the limits. */
export interface Kept {
  /** In the store. */
  folder: string;
  /** User whose files they must be; null: the runner has the worker's own. */
  uid: number | null;
  /** Whether a name may be shown. */
  mayShow: (name: string) => boolean;
}

/**
 * Takes what lies in the artifacts folder of a scratch folder, once nothing of the execution runs any more, into the
 * store. Code has made that folder, and may have put anything into it:
 *
 * 1. Everything is opened by descriptor from the folder on, without following links and without waiting for a pipe.
 * 2. Only plain files of the runner's user that have one name are taken, of which the name is harmless.
 * 3. Count and size are checked before anything is read, and what is read is checked against them.
 * 4. Of a file no more is in memory than a chunk. All of them are looked at before the first is stored.
 *
 * @param scratch the scratch folder as this process sees it
 * @returns what was stored, by name; none: there is no such folder, or nothing in it.
 * @throws {ArtifactRefusedError} that names the file; what is stored by then goes with the attempt's folder
 * @throws {StoreError} when the store cannot take them
 */
export async function collectArtifacts(
  scratch: string,
  store: ArtifactStore,
  limits: ArtifactLimits,
  kept: Kept,
): Promise<Artifact[]> {
  const folder = openFolder(join(scratch, ARTIFACTS_FOLDER));
  if (folder === null) return [];
  try {
    const files = await lookOver(folder, limits, kept);
    const artifacts: Artifact[] = [];
    for (const file of files) artifacts.push(await keep(folder, file, store, kept));
    return artifacts;
  } finally {
    closeSync(folder.descriptor);
  }
}

/** Whether there is anything to look at; most executions leave no such folder. */
export const leftArtifacts = (scratch: string): boolean =>
  lstatSync(join(scratch, ARTIFACTS_FOLDER), { throwIfNoEntry: false }) !== undefined;

interface Folder {
  descriptor: number;
  /** By which what is in it is opened: on Linux it stays this folder, whatever its path names later. */
  path: string;
}

interface File {
  name: string;
  bytes: number;
}

/** Opened at once: the runner's folder may be removed a moment later. */
function openFolder(path: string): Folder | null {
  try {
    const descriptor = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return { descriptor, path: process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : path };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (NOT_A_FOLDER.test(code)) return null;
    throw new ArtifactRefusedError(`the folder ${ARTIFACTS_FOLDER} cannot be read: ${code || message}`);
  }
}

async function lookOver(folder: Folder, limits: ArtifactLimits, kept: Kept): Promise<File[]> {
  const files: File[] = [];
  let bytes = 0;
  // One by one: there may be more than memory has room for.
  for await (const { name } of await opendir(folder.path)) {
    if (files.length === limits.maxCount)
      throw new ArtifactRefusedError(
        `there are more than ${limits.maxCount} artifacts (ARTIFACT_MAX_COUNT): pack them into one file`,
      );
    const file = await look(folder, name, kept);
    files.push(file);
    bytes += file.bytes;
    if (bytes > limits.maxBytes)
      throw new ArtifactRefusedError(
        `artifacts have more than ${limits.maxBytes / MB} MB together (ARTIFACT_MAX_MB)`,
      );
  }
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function look(folder: Folder, name: string, { uid, mayShow }: Kept): Promise<File> {
  const fault = faultOfFileName(name);
  if (fault !== null)
    throw new ArtifactRefusedError(`the name ${JSON.stringify(name.slice(0, 100))} ${fault}`);
  if (!mayShow(name)) throw new ArtifactRefusedError('the name of an artifact holds a secret');
  await using file = await openFile(folder, name);
  return { name, bytes: await sizeOf(file, name, uid) };
}

/** Of a file that may be taken. */
async function sizeOf(file: FileHandle, name: string, uid: number | null): Promise<number> {
  const stat = await file.stat();
  if (!stat.isFile())
    throw new ArtifactRefusedError(`${name} is no file: what is in folders must be packed into one`);
  if (stat.nlink !== 1) throw new ArtifactRefusedError(`${name} has another name too (a hard link)`);
  if (uid !== null && stat.uid !== uid) throw new ArtifactRefusedError(`${name} belongs to another user`);
  return stat.size;
}

async function openFile({ path }: Folder, name: string): Promise<FileHandle> {
  try {
    return await open(join(path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const why = code === 'ELOOP' || code === 'EMLINK' ? 'is a symbolic link' : `cannot be read: ${code}`;
    throw new ArtifactRefusedError(`${name} ${why}`);
  }
}

async function keep(
  folder: Folder,
  { name, bytes }: File,
  store: ArtifactStore,
  kept: Kept,
): Promise<Artifact> {
  await using file = await openFile(folder, name);
  // A runner that is used again could have put something else in its place.
  if ((await sizeOf(file, name, kept.uid)) !== bytes) throw changed(name);
  const type = mime.getType(name) ?? 'application/octet-stream';
  let sha256 = '';
  const chunks = () => chunksOf(file, name, bytes, (digest) => (sha256 = digest));
  await store.put(kept.folder, { name, bytes, type, chunks });
  return { name, bytes, sha256, type };
}

const changed = (name: string): ArtifactRefusedError =>
  new ArtifactRefusedError(`${name} was changed while it was read`);

/** The bytes that it has, no fewer and no more. */
async function* chunksOf(
  file: FileHandle,
  name: string,
  bytes: number,
  onDigest: (digest: string) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  // One byte more than there should be shows that it has grown.
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytes + 1));
  let at = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    at += bytesRead;
    if (at > bytes || (bytesRead === 0 && at < bytes)) throw changed(name);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    yield chunk;
  }
  onDigest(hash.digest('hex'));
}
