import rates from '../data/tax-rates.json';
import { type Cents, percentOf } from './money.ts';

/** Tax on a net amount in a country that the data knows. */
export function taxOn(net: Cents, country: string): Cents {
  const rate = (rates as Record<string, number>)[country];
  if (rate === undefined) throw new RangeError(`country: there is no tax rate for ${country}`);
  return percentOf(net, rate);
}
