/** Splits into arrays of at most `count` items and, where sizes are given, about `limitBytes` bytes. */
export function* batches<Item>(
  items: Iterable<Item>,
  count: number,
  limitBytes = Number.POSITIVE_INFINITY,
  bytesOf: (item: Item) => number = () => 0,
): Generator<Item[]> {
  let batch: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (batch.length > 0 && (batch.length >= count || bytes + size > limitBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Runs `work` on one of {@link batches} after the other, on all items of a batch at once; results in the order of the items. */
export async function inBatches<Item, Result>(
  items: Iterable<Item>,
  count: number,
  work: (item: Item) => Promise<Result>,
  limitBytes?: number,
  bytesOf?: (item: Item) => number,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const batch of batches(items, count, limitBytes, bytesOf)) {
    for (const result of await Promise.all(batch.map(work))) results.push(result);
  }
  return results;
}
