import { signal } from '@preact/signals';

/** A question to the list of executions, under a name that a person gave it in this browser. */
export interface SavedFilter {
  name: string;
  /** As in the address of the list, without its question mark. */
  query: string;
}

const KEY = 'bifrost-filters';
/** Most that are kept, and their longest name. */
const MOST = 30;
const NAME_CHARS = 60;

const isFilter = (value: unknown): value is SavedFilter =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as SavedFilter).name === 'string' &&
  typeof (value as SavedFilter).query === 'string';

export const savedFilters = signal<readonly SavedFilter[]>(read());

/** What is stored; what is not of this form is left out. */
function read(): SavedFilter[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isFilter).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** Keeps a filter, in the place of one of the same name. */
export function saveFilter(name: string, query: string): void {
  const named = { name: name.trim().slice(0, NAME_CHARS), query };
  keep([named, ...savedFilters.value.filter((one) => one.name !== named.name)].slice(0, MOST));
}

export const removeFilter = (name: string): void =>
  keep(savedFilters.value.filter((one) => one.name !== name));

function keep(filters: readonly SavedFilter[]): void {
  savedFilters.value = filters;
  localStorage.setItem(KEY, JSON.stringify(filters));
}

// Another page of this browser has changed them.
addEventListener('storage', ({ key }) => {
  if (key === KEY) savedFilters.value = read();
});
