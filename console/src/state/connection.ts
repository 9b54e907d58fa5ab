import { signal } from '@preact/signals';
import { loadSession, session } from './session.js';

/** Whether the worker answers. */
export const online = signal(true);

export const noteAnswer = (): void => void (online.value = true);

/** From now on it is asked every two seconds whether it answers again. */
export function noteSilence(): void {
  if (!online.value) return;
  online.value = false;
  void probe();
}

async function probe(): Promise<void> {
  while (!online.value) {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const isThere = await fetch('/health/live').then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    online.value = true;
    if (session.value === 'away') await loadSession();
  }
}
