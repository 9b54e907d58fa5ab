import { watch } from 'node:fs';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IgnoreRules } from './workspace-folder.js';

/** An editor that saves, or a checkout of a branch, makes many events in a row. */
const SETTLE_MS = 150;

/**
 * Yields once at the start, and then each time that something in the folder has changed and has been
 * quiet for a moment. What changes while the consumer is busy is not lost. Ends by `interrupt` only, with its reason.
 */
export async function* changesIn(
  dir: string,
  rules: IgnoreRules,
  interrupt: AbortSignal,
): AsyncGenerator<void, void> {
  let changed = true;
  let wake = (): void => undefined;
  const watcher = watch(dir, { recursive: true, signal: interrupt }, (_event, name) => {
    const path = name?.split(sep).join('/');
    if (path !== undefined && rules.ignores(path)) return;
    changed = true;
    wake();
  });
  watcher.on('error', () => undefined);
  const aborted = new Promise<never>((_resolve, reject) => {
    interrupt.addEventListener('abort', () => reject(interrupt.reason as Error), { once: true });
  });
  aborted.catch(() => undefined);
  try {
    for (let first = true; ; first = false) {
      while (!changed) {
        const next = new Promise<void>((resolve) => (wake = resolve));
        await Promise.race([next, aborted]);
      }
      while (changed) {
        changed = false;
        if (!first) await sleep(SETTLE_MS, undefined, { signal: interrupt });
      }
      yield;
      interrupt.throwIfAborted();
    }
  } finally {
    watcher.close();
  }
}
