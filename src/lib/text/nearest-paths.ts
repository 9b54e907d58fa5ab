/** Longest path for which others are suggested. */
const LONGEST_WANTED = 256;
const MOST_EDITS = 6;
/** Comparing this many takes some 10 ms. */
const MOST_COMPARED = 2_000;

/**
 * Existing paths that the author of `wanted` most likely meant, the likeliest first: few edits
 * away (optimal string alignment distance), or the same file name in another folder. Extensions do not count.
 * The time that it takes is bounded: it runs in the worker, on texts that code may choose.
 */
export function nearestPaths(wanted: string, existing: Iterable<string>, count = 3): string[] {
  if (wanted.length > LONGEST_WANTED) return [];
  const target = stem(wanted);
  const limit = Math.min(Math.max(2, Math.floor(target.length / 4)), MOST_EDITS);
  const found: { path: string; distance: number }[] = [];
  let compared = 0;
  for (const path of existing) {
    const candidate = stem(path);
    const sameName = baseOf(candidate) === baseOf(target);
    const alike = Math.abs(candidate.length - target.length) <= limit && compared < MOST_COMPARED;
    if (!sameName && !alike) continue;
    compared += 1;
    const distance = alike ? editDistance(target, candidate, limit) : limit + 1;
    if (distance <= limit || sameName) found.push({ path, distance: Math.min(distance, limit) });
  }
  return found
    .toSorted(
      (a, b) => a.distance - b.distance || a.path.length - b.path.length || (a.path < b.path ? -1 : 1),
    )
    .slice(0, count)
    .map(({ path }) => path);
}

const stem = (path: string): string => path.toLowerCase().replace(/(?:\/index)?\.[^./]+$/, '');
const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Edits (insert, delete, replace, swap of neighbours) between two texts; more than `limit` comes back as `limit + 1`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    // Farther from the diagonal than the limit no distance is small enough.
    const [from, to] = [Math.max(1, i - limit), Math.min(b.length, i + limit)];
    for (let j = 1; j < from; j += 1) row.push(limit + 1);
    for (let j = from; j <= to; j += 1) {
      const replaced = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swap ? (beforeLast[j - 2] as number) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    for (let j = to + 1; j <= b.length; j += 1) row.push(limit + 1);
    if (Math.min(...row) > limit) return limit + 1;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] as number;
}
