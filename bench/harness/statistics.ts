/** Several measurements of one thing. */
export interface Sample {
  median: number;
  min: number;
  max: number;
  values: readonly number[];
}

export function sampleOf(values: readonly number[]): Sample {
  if (values.length === 0) throw new Error('nothing was measured');
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values), values };
}

/** Linear between the two nearest ranks. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (sorted.length - 1) * share;
  const low = sorted[Math.floor(rank)] as number;
  const high = sorted[Math.ceil(rank)] as number;
  return low + (high - low) * (rank - Math.floor(rank));
}

/**
 * The ratio of two series that were measured in turn: the median of the ratios of each round. What
 * slows the machine for a while slows both sides of a pair.
 */
export function pairedRatio(values: Sample, others: Sample): Sample {
  const rounds = Math.min(values.values.length, others.values.length);
  return sampleOf(
    Array.from(
      { length: rounds },
      (_, round) => (values.values[round] as number) / (others.values[round] as number),
    ),
  );
}
