import { describe, expect, it } from '@jest/globals';
import { aResult } from '../../test/support/results.js';
import { type ExecutionResult, resultSchema } from './result.js';

describe('resultSchema', () => {
  it('takes what the worker writes', () => {
    expect(resultSchema.parse(aResult())).toEqual(aResult());
  });

  it.each(Object.keys(aResult()).filter((field) => field !== 'result'))('wants %s', (field) => {
    const { [field as keyof ExecutionResult]: _, ...rest } = aResult();
    expect(resultSchema.safeParse(rest).success).toBe(false);
  });
});
