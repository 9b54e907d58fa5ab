import { closeSync } from 'node:fs';
import type { Kernel } from './kernel.js';

/** The same numbers on every architecture. */
const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;
const RULE_PATH_BENEATH = 1;
const VERSION = 1;

const EXECUTE = 1n << 0n;
const WRITE_FILE = 1n << 1n;
const READ_FILE = 1n << 2n;
const READ_DIR = 1n << 3n;
const TRUNCATE = 1n << 14n;
const DEVICE_CALL = 1n << 15n;
const FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CALL;
/** Rights that exist, by ABI: the first 13, then moves to other folders, truncation, device calls. */
const ALL_BY_ABI = [0, 13, 14, 15, 15, 16].map((count) => (1n << BigInt(count)) - 1n);
/** No abstract Unix sockets and no signals to processes outside. */
const SCOPES = 3n;
const SCOPES_SINCE_ABI = 6;

/** Folders and files that stay open to a process. */
export interface FileRights {
  read: readonly string[];
  /** Programs that it may start. */
  run: readonly string[];
  write: readonly string[];
}

/**
 * Makes the kernel refuse every file but these to this process, for good (Landlock, Linux 5.13). Does
 * nothing where the kernel cannot: Node's permission model refuses the same files, one layer above.
 */
export function restrictFiles(kernel: Kernel, files: FileRights): void {
  const abi = kernel.attempt(CREATE_RULESET, 0, 0, VERSION);
  if (abi < 1) return;
  const all = ALL_BY_ABI[Math.min(abi, ALL_BY_ABI.length - 1)] as bigint;
  // struct landlock_ruleset_attr: files, TCP, scopes
  const attributes = Buffer.alloc(24);
  attributes.writeBigUInt64LE(all, 0);
  if (abi >= SCOPES_SINCE_ABI) attributes.writeBigUInt64LE(SCOPES, 16);
  const ruleset = kernel.call('landlock_create_ruleset', CREATE_RULESET, attributes, attributes.length, 0);
  for (const path of files.read) allow(kernel, ruleset, path, (READ_FILE | READ_DIR) & all);
  for (const path of files.run) allow(kernel, ruleset, path, (READ_FILE | EXECUTE) & all);
  for (const path of files.write) allow(kernel, ruleset, path, all & ~EXECUTE);
  kernel.call('landlock_restrict_self', RESTRICT_SELF, ruleset, 0);
  closeSync(ruleset);
}

/** A path that is not there needs no rule. */
function allow(kernel: Kernel, ruleset: number, path: string, access: bigint): void {
  const folder = kernel.openPath(path);
  if (folder < 0) return;
  // struct landlock_path_beneath_attr, packed
  const rule = Buffer.alloc(12);
  rule.writeInt32LE(folder, 8);
  const add = (rights: bigint): number => {
    rule.writeBigUInt64LE(rights, 0);
    return kernel.attempt(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0);
  };
  // The kernel refuses rights that only folders have for what is a file.
  const added = add(access) === 0 || add(access & FOR_FILES) === 0;
  closeSync(folder);
  if (!added) throw new Error(`landlock_add_rule was refused by the kernel for ${path}`);
}
