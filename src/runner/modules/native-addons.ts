import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { apply, partOfText } from '../channel/primordials.js';

const realpath = realpathSync.native;
/** The organization of this execution may load none. */
let isForbidden = false;

/** From now on nothing native is loaded; it cannot be taken back. */
export function forbidAddons(): void {
  isForbidden = true;
}

/**
 * Makes Node load native code from this folder alone, and say in our words why it loads none; null: it loads
 * none. Before user code is loaded. What native code then loads by itself is not seen here: it is the kernel
 * that keeps it (docs/security-model.md#native-add-ons).
 */
export function guardAddons(folder: string | null): void {
  const original = process.dlopen.bind(process);
  process.dlopen = (...args: Parameters<typeof original>): void => {
    if (isForbidden) throw refusal('its organization may load none');
    if (folder !== null) args[1] = checkedPath(args[1], folder);
    try {
      apply(original, undefined, args);
    } catch (error) {
      throw isSwitchedOff(error)
        ? refusal('it is native code, and the setting NATIVE_ADDONS of the worker is off')
        : error;
    }
  };
}

/** The file itself, so that no link can lead elsewhere afterwards. */
function checkedPath(path: unknown, folder: string): string {
  const file = realpath(typeof path === 'string' ? path : '');
  const start = folder + sep;
  if (partOfText(file, 0, start.length) === start) return file;
  throw refusal('native code is loaded from the packages of the manifest only');
}

const isSwitchedOff = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_DLOPEN_DISABLED';

/** With the code that Node gives, since packages with another way to go look at it. */
const refusal = (why: string): Error =>
  Object.assign(new Error(`Cannot load native addon: ${why}`), { code: 'ERR_DLOPEN_DISABLED' });
