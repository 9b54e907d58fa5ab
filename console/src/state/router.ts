import { computed, signal } from '@preact/signals';

const BASE = '/console';

const readLocation = () => ({
  path: pathOf(location.pathname),
  query: new URLSearchParams(location.search),
});

function pathOf(pathname: string): string {
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
  return path === '' ? '/' : path;
}

/** Where the console is: its own path, such as `/executions`, and the query. */
export const route = signal(readLocation());
/** The path in parts, decoded. */
export const parts = computed(() => route.value.path.split('/').filter(Boolean).map(decode));

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

addEventListener('popstate', () => (route.value = readLocation()));

/** The address of a page, for links. */
export function address(path: string, query?: URLSearchParams | Record<string, string>): string {
  const text = query ? new URLSearchParams(query).toString() : '';
  const own = path === '/' ? '/' : BASE + path;
  return text === '' ? own : `${own}?${text}`;
}

/** Goes to a page; `replace` keeps it out of the browser's history. */
export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  const before = route.value.path;
  route.value = readLocation();
  if (route.value.path !== before) scrollTo(0, 0);
}

/** Changes parts of the query; an empty value leaves the part out. */
export function setQuery(changes: Record<string, string>, replace = true): void {
  const query = new URLSearchParams(route.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  go(address(route.value.path, query), replace);
}
