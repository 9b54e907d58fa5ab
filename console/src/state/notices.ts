import { signal } from '@preact/signals';

export interface Notice {
  id: number;
  text: string;
  isError: boolean;
}

export const notices = signal<readonly Notice[]>([]);
let last = 0;

/** Shows a sentence for a few seconds; errors stay longer. */
export function notify(text: string, isError = false): void {
  const id = ++last;
  notices.value = [...notices.value.slice(-3), { id, text, isError }];
  setTimeout(() => dismiss(id), isError ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Does something that a person asked for, and says how it went. */
export async function perform(work: () => Promise<string | undefined>): Promise<boolean> {
  try {
    const text = await work();
    if (text !== undefined) notify(text);
    return true;
  } catch (error) {
    notify((error as Error).message, true);
    return false;
  }
}
