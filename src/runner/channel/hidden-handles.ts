/**
 * Node lists what a process has open, and what is listed can be read. The channel to the worker is not for
 * user code: the command of the next execution comes over it.
 */
import { apply } from './primordials.js';

type Lister = () => unknown[];

const hidden: unknown[] = [];

/** From now on Node does not show this handle. Before user code is loaded. */
export function hideHandle(handle: object): void {
  if (hidden.length === 0) hideHandles(process as unknown as { _getActiveHandles: Lister });
  hidden[hidden.length] = handle;
}

function hideHandles(host: { _getActiveHandles: Lister }): void {
  const original = host._getActiveHandles;
  host._getActiveHandles = () => {
    const listed = apply(original, process, []);
    const shown: unknown[] = [];
    for (let i = 0; i < listed.length; i++) if (!isHidden(listed[i])) shown[shown.length] = listed[i];
    return shown;
  };
}

function isHidden(handle: unknown): boolean {
  for (let i = 0; i < hidden.length; i++) if (hidden[i] === handle) return true;
  return false;
}
