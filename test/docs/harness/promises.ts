/** What a page shows and what was printed: a sentence for each difference. */
export function differences(promised: { format: 'json' | 'text'; text: string }, printed: string): string[] {
  return promised.format === 'json'
    ? jsonDifferences(promised.text, printed)
    : textDifferences(promised.text, printed);
}

/** Each line is printed, in this order; `…` stands for any text, and alone on a line for any lines. */
function textDifferences(promised: string, printed: string): string[] {
  const lines = printed.split('\n').map(squeezed);
  let from = 0;
  for (const line of promised.split('\n').map(squeezed)) {
    if (line === '' || line === '…') continue;
    const pattern = patternOf(line);
    const at = lines.findIndex((text, index) => index >= from && pattern.test(text));
    if (at < 0) return [`"${line}" is not printed${from > 0 ? ' after what is before it' : ''}`];
    from = at + 1;
  }
  return [];
}

/** `…` stands for any text. */
const patternOf = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('…')
      .map((part) => RegExp.escape(part))
      .join('.*')}$`,
    'su',
  );

/** Columns of tables are as wide as their widest cell, which differs. */
const squeezed = (line: string): string => line.trim().replaceAll(/\s+/g, ' ');

function jsonDifferences(promised: string, printed: string): string[] {
  const from = printed.search(/[[{]/);
  let seen: unknown;
  try {
    seen = JSON.parse(printed.slice(Math.max(from, 0)));
  } catch {
    return [`what is printed is no JSON: ${printed.slice(0, 400)}`];
  }
  return missing(JSON.parse(promised), seen, '');
}

/** Fields that are shown are there with these values; "…" is anything, and ["…", …] any array. */
function missing(wanted: unknown, seen: unknown, path: string): string[] {
  if (wanted === '…') return seen === undefined ? [`${path} is not there`] : [];
  if (typeof wanted === 'string' && wanted.includes('…') && typeof seen === 'string') {
    const pattern = patternOf(wanted);
    return pattern.test(seen) ? [] : [`${path} is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`];
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(seen)) return [`${path} is no array`];
    const isOpen = wanted.at(-1) === '…';
    const items = isOpen ? wanted.slice(0, -1) : wanted;
    if (!isOpen && seen.length !== items.length)
      return [`${path} has ${seen.length} entries, not ${items.length}`];
    return items.flatMap((item, index) => missing(item, seen[index], `${path}[${index}]`));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof seen !== 'object' || seen === null) return [`${path} is ${JSON.stringify(seen)}, no object`];
    return Object.entries(wanted).flatMap(([name, value]) =>
      missing(value, (seen as Record<string, unknown>)[name], `${path}.${name}`),
    );
  }
  return Object.is(wanted, seen) ? [] : [`${path} is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`];
}
