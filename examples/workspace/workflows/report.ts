import type { Context } from 'bifrost';
import { parseCsv, toCsv } from '../shared/csv.ts';
import { format, toCents } from '../shared/money.ts';

/** Sums a CSV of sales by region, the largest first, and returns CSV again. */
export async function report(parameters: { csv: string }, { logger }: Context): Promise<string> {
  const sums = new Map<string, number>();
  for (const { region = '', amount = '' } of parseCsv(parameters.csv)) {
    sums.set(region, (sums.get(region) ?? 0) + toCents(amount));
  }
  logger.info(`${sums.size} regions`);
  return toCsv(
    [...sums].toSorted(([, a], [, b]) => b - a).map(([region, total]) => ({ region, total: format(total) })),
  );
}
