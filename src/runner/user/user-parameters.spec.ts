import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { acceptParameters, ParametersInvalid, schemaOf } from './user-parameters.js';

type Schema = NonNullable<ReturnType<typeof schemaOf>>;
const schemaThat = (validate: (value: unknown) => unknown): Schema => ({
  '~standard': { version: 1, validate },
});
const faultsOf = async (schema: Schema, given = {}): Promise<unknown> => {
  const error: unknown = await acceptParameters(schema, given).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ParametersInvalid);
  return (error as ParametersInvalid).fields;
};

describe('schemaOf', () => {
  const own = z.object({});
  const shared = z.object({});
  const greet = Object.assign(() => undefined, { parameters: own });

  it('is the property of the function, else the export', () => {
    expect(schemaOf(greet, { parameters: shared })).toBe(own);
    expect(schemaOf(() => undefined, { parameters: shared })).toBe(shared);
  });

  it.each([
    ['nothing', {}],
    ['data of the same name', { parameters: { name: 'x' } }],
    ['a function of the same name', { parameters: () => undefined }],
    ['null', { parameters: null }],
  ])('is not %s', (_what, namespace) => {
    expect(schemaOf(() => undefined, namespace)).toBeNull();
  });

  it('may be callable', () => {
    const callable = Object.assign(
      () => undefined,
      schemaThat(() => ({ value: {} })),
    );
    expect(schemaOf(() => undefined, { parameters: callable })).toBe(callable);
  });
});

describe('acceptParameters', () => {
  const order = z.object({
    id: z.coerce.number(),
    due: z.coerce.date(),
    items: z.array(z.object({ price: z.number() })).default([]),
  });

  it('gives the output of the schema', async () => {
    expect(await acceptParameters(order, { id: '7', due: '2026-03-01', extra: 1 })).toEqual({
      id: 7,
      due: new Date('2026-03-01'),
      items: [],
    });
  });

  it('names every field that is wrong, by its path', async () => {
    const given = { id: 'x', due: '2026-03-01', items: [{ price: 1 }, { price: '2' }] };
    expect(await faultsOf(order, given)).toEqual([
      { field: 'id', message: expect.stringContaining('number') },
      { field: 'items.1.price', message: expect.stringContaining('string') },
    ]);
    await expect(acceptParameters(order, given)).rejects.toThrow(
      /^The parameters cannot be used: id: .*; items\.1\.price: /,
    );
  });

  it('waits for a schema that takes its time', async () => {
    const slow = z.object({
      id: z.string().refine(async (id) => Promise.resolve(id === 'known'), 'is unknown'),
    });
    expect(await acceptParameters(slow, { id: 'known' })).toEqual({ id: 'known' });
    expect(await faultsOf(slow, { id: 'other' })).toEqual([{ field: 'id', message: 'is unknown' }]);
  });

  it('throws what the schema throws', async () => {
    const broken = schemaThat(() => {
      throw new RangeError('broken');
    });
    await expect(acceptParameters(broken, {})).rejects.toThrow(new RangeError('broken'));
    const empty = schemaThat(() => undefined);
    await expect(acceptParameters(empty, {})).rejects.toThrow(/no Standard Schema/);
  });

  it('reads every form of a path, and bounds its message', async () => {
    const symbol = Symbol('s');
    const issues = [
      { message: 'a', path: [{ key: 'x' }, 0, symbol] },
      { message: 'b' },
      ...Array.from({ length: 60 }, () => ({ message: 'y'.repeat(5000), path: [] })),
    ];
    const faults = (await faultsOf(schemaThat(() => ({ issues })))) as { message: string }[];
    expect(faults.slice(0, 2)).toEqual([
      { field: 'x.0.Symbol(s)', message: 'a' },
      { field: 'parameters', message: 'b' },
    ]);
    expect([faults.length, faults[2]?.message.length]).toEqual([50, 1000]);
    expect(await faultsOf(schemaThat(() => ({ issues: [] })))).toHaveLength(1);
  });
});
