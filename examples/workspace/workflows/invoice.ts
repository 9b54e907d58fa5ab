import type { Context } from 'bifrost';
import { format, toCents } from 'shared/money';
import { taxOn } from 'shared/tax';

interface Item {
  description: string;
  quantity: number;
  unitPrice: number | string;
}

/** Adds up an invoice. */
export default async function invoice(parameters: { country: string; items: Item[] }, context: Context) {
  const { items, country } = parameters;
  const lines = items.map(({ description, quantity, unitPrice }, index) => {
    context.progress((index + 1) / items.length, description);
    return { description, total: quantity * toCents(unitPrice) };
  });
  const net = lines.reduce((sum, { total }) => sum + total, 0);
  const tax = taxOn(net, country);
  context.variables.items = items.length;
  return { net: format(net), tax: format(tax), gross: format(net + tax) };
}
