// The search of the pages: the index is fetched when the field is first used. Runs in the browser, makes no markup.
import MiniSearch, { type Options } from 'minisearch';

interface Passage {
  id: number;
  url: string;
  title: string;
  heading: string;
  start: string;
}

const OPTIONS: Options<Passage> = {
  fields: ['title', 'heading', 'text'],
  storeFields: ['url', 'title', 'heading', 'start'],
  searchOptions: { boost: { title: 3, heading: 2 }, prefix: true, fuzzy: 0.15, combineWith: 'AND' },
};
const SHOWN = 12;

const root = document.documentElement.dataset['root'] ?? '.';
const field = document.querySelector('#search') as HTMLInputElement;
const list = document.querySelector('#found') as HTMLUListElement;
let index: Promise<MiniSearch<Passage>> | undefined;
let chosen = -1;

const load = (): Promise<MiniSearch<Passage>> =>
  (index ??= fetch(`${root}/search.json`)
    .then((answer) => answer.text())
    .then((text) => MiniSearch.loadJSON(text, OPTIONS)));

async function show(): Promise<void> {
  const text = field.value.trim();
  const found = text === '' ? [] : ((await load()).search(text).slice(0, SHOWN) as unknown as Passage[]);
  // What was typed meanwhile has a search of its own.
  if (text !== field.value.trim()) return;
  chosen = -1;
  list.replaceChildren(...(text !== '' && found.length === 0 ? [nothing(text)] : found.map(entry)));
  list.hidden = text === '';
  field.setAttribute('aria-expanded', String(text !== ''));
}

function entry({ url, title, heading, start }: Passage): HTMLElement {
  const item = document.createElement('li');
  item.setAttribute('role', 'option');
  const link = document.createElement('a');
  link.href = `${root}/${url}`;
  const name = document.createElement('strong');
  name.textContent = heading === title ? title : `${title} › ${heading}`;
  const text = document.createElement('span');
  text.textContent = start;
  link.append(name, text);
  item.append(link);
  return item;
}

function nothing(text: string): HTMLElement {
  const item = document.createElement('li');
  item.setAttribute('role', 'option');
  item.textContent = `Nothing is found for “${text}”.`;
  return item;
}

function choose(step: number): void {
  const links = [...list.querySelectorAll('a')];
  if (links.length === 0) return;
  chosen = (chosen + step + links.length) % links.length;
  links.forEach((link, at) => link.parentElement?.setAttribute('aria-selected', String(at === chosen)));
  links[chosen]?.scrollIntoView({ block: 'nearest' });
}

function close(): void {
  list.hidden = true;
  field.setAttribute('aria-expanded', 'false');
}

field.addEventListener('input', () => void show());
field.addEventListener('focus', () => void load());
field.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') choose(1);
  else if (event.key === 'ArrowUp') choose(-1);
  else if (event.key === 'Escape') close();
  else if (event.key === 'Enter') list.querySelectorAll('a')[Math.max(chosen, 0)]?.click();
  else return;
  event.preventDefault();
});
list.addEventListener('click', close);
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target === field) return;
  event.preventDefault();
  field.focus();
});
document.addEventListener('click', (event) => {
  if (!(event.target as HTMLElement).closest('search')) close();
});
// Open on a wide screen, where it stands beside the text; in the way on a narrow one.
if (matchMedia('(max-width: 60rem)').matches) document.querySelector('nav details')?.removeAttribute('open');
