import { signal } from '@preact/signals';

/** The time, to the second, for texts such as "3 s ago". It stands still while the page is hidden. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);
