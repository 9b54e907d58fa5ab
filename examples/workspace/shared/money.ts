/** An amount in the smallest unit of its currency, so that sums are exact. */
export type Cents = number;

/** `12.5` or `"12.50"` as cents; fractions of a cent are refused. */
export function toCents(amount: number | string): Cents {
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(amount));
  if (!match) throw new TypeError(`amount: ${amount} is not a sum of money with at most two decimals`);
  const [, sign, whole, fraction = ''] = match;
  return Number(`${sign}${whole}${fraction.padEnd(2, '0')}`);
}

/** Rounds half away from zero, as invoices do. */
export const percentOf = (cents: Cents, percent: number): Cents =>
  Math.sign(cents) * Math.round((Math.abs(cents) * percent) / 100);

/** `1234` as `12.34`. */
export function format(cents: Cents): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
