import { EventEmitter, once } from 'node:events';
import { watch } from 'node:fs';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IgnoreRules } from './workspace-folder.js';

/** An editor that saves, or a checkout of a branch, makes many events in a row. */
const SETTLE_MS = 150;

/**
 * Yields once at the start, and then each time that something in the folder has changed and has been
 * quiet for a moment. What changes while the consumer is busy is not lost.
 * @throws the reason of `interrupt`, which alone ends it, and what the system says when it cannot watch
 */
export async function* changesIn(
  dir: string,
  rules: IgnoreRules,
  interrupt: AbortSignal,
): AsyncGenerator<void, void> {
  const events = new EventEmitter();
  const seen = { changes: 0 };
  const watcher = watch(dir, { recursive: true }, (_event, name) => {
    const path = name?.split(sep).join('/');
    if (path !== undefined && rules.ignores(path)) return;
    seen.changes += 1;
    events.emit('change');
  });
  // Without a listener here it would end the program; `once` below rejects with it.
  watcher.on('error', (error) => events.emit('error', error));
  events.on('error', () => undefined);
  try {
    for (;;) {
      const before = seen.changes;
      yield;
      if (seen.changes === before) await once(events, 'change', { signal: interrupt });
      await quiet(seen, interrupt);
    }
  } finally {
    watcher.close();
  }
}

async function quiet(seen: { changes: number }, interrupt: AbortSignal): Promise<void> {
  for (let before = -1; before !== seen.changes;) {
    before = seen.changes;
    await sleep(SETTLE_MS, undefined, { signal: interrupt });
  }
}
