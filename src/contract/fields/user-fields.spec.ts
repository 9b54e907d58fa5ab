import { describe, expect, it } from '@jest/globals';
import { executionContextSchema } from '../context.js';

const parse = (fields: string) =>
  executionContextSchema.safeParse(JSON.parse(`{"workflow_code":"1",${fields}}`));

describe('what users fill freely', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', ''])(
    'keeps parameters named %j at every depth',
    (name) => {
      const parameters = JSON.stringify({ [name]: { list: [{ [name]: 1 }] }, other: 2 });
      const parsed = parse(`"parameters":${parameters}`);
      expect(JSON.stringify(parsed.data?.parameters)).toBe(parameters);
    },
  );

  it.each([
    [{ '': 'x' }, [''], /empty/],
    [{ 'A=B': 'y' }, ['A=B'], /holds "="/],
    [{ 'A\0': 'y' }, ['A\0'], /NUL/],
    [{ N: 'a\0b' }, ['N'], /holds a NUL/],
    [{ N: 1 }, ['N'], /must be a string/],
  ])('refuses the environment %j by name', (env, path, message) => {
    const { error } = parse(`"env":${JSON.stringify(env)}`);
    expect(error?.issues).toEqual([
      expect.objectContaining({ path: ['env', ...path], message: expect.stringMatching(message) }),
    ]);
  });

  it('refuses what is no object', () => {
    for (const field of ['env', 'parameters'])
      for (const value of ['[]', '1', '"a"']) expect(parse(`"${field}":${value}`).success).toBe(false);
  });
});
