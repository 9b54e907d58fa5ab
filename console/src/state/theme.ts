import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'bifrost-theme';

const stored = (): Theme => {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
};

export const theme = signal<Theme>(stored());
const system = matchMedia('(prefers-color-scheme: dark)');
/** What is shown, whatever it was derived from. */
export const shownTheme = signal<'light' | 'dark'>('light');

effect(() => {
  const apply = (): void => {
    shownTheme.value = theme.value === 'system' ? (system.matches ? 'dark' : 'light') : theme.value;
    document.documentElement.dataset['theme'] = shownTheme.value;
  };
  apply();
  system.addEventListener('change', apply);
  return () => system.removeEventListener('change', apply);
});

/** Goes from light to dark and back. */
export function toggleTheme(): void {
  theme.value = shownTheme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, theme.value);
}
