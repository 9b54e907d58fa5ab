import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { address, go } from '../state/router.js';
import { toggleTheme } from '../state/theme.js';
import { Dialog } from './basics.js';

interface Place {
  path: string;
  name: string;
  key: string;
}

/** How long the key after g may take. */
const CHORD_MS = 1_500;

const isTyping = (event: KeyboardEvent): boolean => {
  const target = event.composedPath()[0];
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [contenteditable="true"]') !== null)
  );
};

/** Keys that work on every page. Those of a page are its own. */
export function useKeys(places: () => readonly Place[], onHelp: () => void): void {
  useEffect(() => {
    let chordUntil = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('dialog[open]')) return;
      if (performance.now() < chordUntil) {
        chordUntil = 0;
        const place = places().find(({ key }) => key === event.key);
        if (place) {
          event.preventDefault();
          go(address(place.path));
          return;
        }
      }
      if (event.key === 'g') chordUntil = performance.now() + CHORD_MS;
      else if (event.key === '?') onHelp();
      else if (event.key === 't') toggleTheme();
      else if (event.key === '/') {
        const field = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (!field) return;
        event.preventDefault();
        field.focus();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** Keys of one page; none while a person types or a question is open. */
export function usePageKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('dialog[open]')) return;
      const action = keys[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}

const PAGE_KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search on this page'],
  ['j, k', 'next or previous execution of the list'],
  ['Enter', 'open it'],
  ['x', 'pick it, for what is done to many'],
  ['Ctrl Enter', 'run what is in the playground'],
  ['t', 'light or dark'],
  ['?', 'these keys'],
  ['Esc', 'close a question'],
];

export const KeysDialog = ({
  places,
  onClose,
}: {
  places: readonly Place[];
  onClose: () => void;
}): JSX.Element => (
  <Dialog title="Keys" onClose={onClose}>
    <div class="keys">
      <KeyList rows={places.map(({ key, name }) => [`g ${key}`, name] as const)} />
      <KeyList rows={PAGE_KEYS} />
    </div>
  </Dialog>
);

const KeyList = ({ rows }: { rows: readonly (readonly [string, string])[] }): JSX.Element => (
  <dl>
    {rows.map(([keys, name]) => (
      <div>
        <dt>
          {keys.split(' ').map((key) => (
            <kbd>{key}</kbd>
          ))}
        </dt>
        <dd>{name}</dd>
      </div>
    ))}
  </dl>
);
