import type { Context } from 'bifrost';
import { z } from 'zod';

/**
 * What it takes. The worker checks and converts parameters before `order` is called: "3" becomes 3, and
 * what is missing or wrong ends in an error that names the field.
 */
export const parameters = z.object({
  customer: z.string().min(1),
  due: z.coerce.date(),
  items: z.array(z.object({ name: z.string(), count: z.coerce.number().int().positive() })).min(1),
});

/** bifrost run workflows/order.ts --function order --param customer=Ada --param due=2026-03-01 --param 'items=[{"name":"tea","count":"3"}]' */
export async function order({ customer, due, items }: z.infer<typeof parameters>, context: Context) {
  const pieces = items.reduce((sum, { count }) => sum + count, 0);
  context.logger.info('order', { customer, pieces });
  return { customer, pieces, due: due.toISOString() };
}
