import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { CommandError, EXIT } from '../output/exit.js';

/** Names what is not published, in the syntax of .gitignore; in the folder that is pushed. */
export const IGNORE_FILE = '.bifrostignore';

/** Before the ignore file, which may take them back with `!`. */
const IGNORED_ALWAYS = ['node_modules', '.*'];
const READS_AT_ONCE = 32;
/** The workspace takes no more; also stops a walk through a whole disk. */
const MAX_FILES = 100_000;

export interface LocalFile {
  source: string;
  sha256: string;
}

/** A folder as it would be published. */
export interface Folder {
  /** By path from the folder, with `/` on every system and Unicode composed (NFC), as the workspace has it. */
  files: ReadonlyMap<string, LocalFile>;
  /** Left out because they are no text, or symbolic links. */
  skipped: readonly string[];
}

/** What the ignore file of a folder says. */
export interface IgnoreRules {
  /** `path` from the folder; a folder's has a slash at its end. */
  ignores(path: string): boolean;
}

/**
 * Reads the ignore rules of a folder.
 * @throws {CommandError} when there is no such folder.
 */
export async function readIgnoreRules(dir: string): Promise<IgnoreRules> {
  const rules: Ignore = ignore().add(IGNORED_ALWAYS);
  try {
    rules.add(await readFile(join(dir, IGNORE_FILE), 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') throw notAFolder(dir);
    if (code !== 'ENOENT') throw error;
  }
  return rules;
}

/**
 * Reads every file that is to be published, sources included.
 * @throws {CommandError} when there is no such folder, or it holds nothing to publish.
 */
export async function readFolder(dir: string): Promise<Folder> {
  const rules = await readIgnoreRules(dir);
  const paths: string[] = [];
  const skipped: string[] = [];
  await collect(dir, '', rules, paths, skipped);
  paths.sort();
  const files = new Map<string, LocalFile>();
  for (let from = 0; from < paths.length; from += READS_AT_ONCE) {
    const batch = paths.slice(from, from + READS_AT_ONCE);
    const contents = await Promise.all(batch.map((path) => readFile(join(dir, path))));
    for (const [index, bytes] of contents.entries()) {
      const path = batch[index] as string;
      const source = textOf(bytes);
      if (source === null) skipped.push(path);
      else files.set(path.normalize('NFC'), { source, sha256: digest(source) });
    }
  }
  if (files.size === 0) {
    throw new CommandError(EXIT.usage, `${dir}: holds no file to publish (${IGNORE_FILE} leaves out which?)`);
  }
  return { files, skipped };
}

async function collect(
  dir: string,
  within: string,
  rules: IgnoreRules,
  paths: string[],
  skipped: string[],
): Promise<void> {
  for (const entry of await entriesOf(join(dir, within), dir)) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    if (rules.ignores(entry.isDirectory() ? `${path}/` : path)) continue;
    if (entry.isDirectory()) await collect(dir, path, rules, paths, skipped);
    else if (entry.isFile()) paths.push(path);
    // A link may lead out of the folder, to what is not meant to be published.
    else skipped.push(path);
  }
  if (paths.length > MAX_FILES) {
    throw new CommandError(
      EXIT.usage,
      `${dir}: holds more than ${MAX_FILES} files; name a smaller folder, or leave files out by ${IGNORE_FILE}`,
    );
  }
}

async function entriesOf(folder: string, dir: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw notAFolder(dir);
    throw error;
  }
}

/** SHA-256 as the workspace names sources by. */
export const digest = (source: string): string => createHash('sha256').update(source).digest('hex');

function textOf(bytes: Buffer): string | null {
  try {
    // A byte order mark stays: it is part of the file, and of its hash.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

const notAFolder = (dir: string): CommandError =>
  new CommandError(EXIT.usage, `${dir}: there is no such folder`);
