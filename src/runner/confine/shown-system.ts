/**
 * What code is shown of a system that it may not look at: an answer, where programs expect one and not an error.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { promisify } from 'node:util';

type Any = (...args: unknown[]) => unknown;
type Callback = (there: boolean) => void;

/** A path that code may not see is not there for it; the machine's user and networks are not either. `scratch`: the folder of the execution. */
export function showSystem(scratch: () => string): void {
  os.tmpdir = scratch;
  os.homedir = scratch;
  os.networkInterfaces = orElse(os.networkInterfaces, () => ({})) as typeof os.networkInterfaces;
  os.userInfo = orElse(os.userInfo, () => ({
    username: 'bifrost',
    uid: process.getuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    shell: null,
    homedir: scratch(),
  })) as typeof os.userInfo;
  fs.existsSync = orElse(fs.existsSync, () => false) as typeof fs.existsSync;
  const exists = orElse(fs.exists, (...args) => {
    process.nextTick(args[1] as Callback, false);
  });
  const promised = (path: unknown): Promise<boolean> => new Promise((resolve) => exists(path, resolve));
  Object.defineProperty(exists, promisify.custom, { value: promised });
  (fs as { exists: unknown }).exists = exists;
  fs.statSync = orElseNothing(fs.statSync as Any) as typeof fs.statSync;
  fs.lstatSync = orElseNothing(fs.lstatSync as Any) as typeof fs.lstatSync;
  syncBuiltinESMExports();
}

/** The answer of `fallback` where the isolation refuses. */
function orElse(original: Any | object, fallback: Any): Any {
  const call = original as Any;
  return named(call, (...args) => {
    try {
      return call(...args);
    } catch (error) {
      if (isRefused(error)) return fallback(...args);
      throw error;
    }
  });
}

/** For callers that say that the file need not be there. */
function orElseNothing(call: Any): Any {
  return named(call, (...args) => {
    try {
      return call(...args);
    } catch (error) {
      const options = args[1] as { throwIfNoEntry?: unknown } | undefined;
      if (options?.throwIfNoEntry === false && isRefused(error)) return undefined;
      throw error;
    }
  });
}

/** The permission model of Node refuses, or the kernel does. */
function isRefused(error: unknown): boolean {
  const { code, info } = error as { code?: unknown; info?: { code?: unknown } };
  return code === 'ERR_ACCESS_DENIED' || code === 'ERR_SYSTEM_ERROR' || info?.code === 'EACCES';
}

const named = (original: Any, replacement: Any): Any =>
  Object.defineProperties(replacement, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
