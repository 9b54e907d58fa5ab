import { describe, expect, it } from '@jest/globals';
import { anOutcome, aDocument } from '../../test/support/parts.js';
import { RESULT_FIELDS } from './fields.js';
import { expectDocument, expectEqual, Mismatch } from './mismatch.js';

const isolation = { level: 'process', grade: 'B', network: 'none' } as const;
const result = (): Record<string, unknown> => ({
  ...aDocument('e-1', anOutcome(1)),
  starts: 1,
  isolation,
});

describe('expectDocument', () => {
  it('takes a whole result', () => {
    expect(() => expectDocument('execution-result', result(), RESULT_FIELDS)).not.toThrow();
  });

  it.each(RESULT_FIELDS)('does not take one without %s', (field) => {
    const { [field]: _, ...rest } = result();
    expect(() => expectDocument('execution-result', rest, RESULT_FIELDS)).toThrow(Mismatch);
  });

  it('names what is wrong', () => {
    const wrong = { ...result(), started_at: 7 };
    expect(() => expectDocument('execution-result', wrong, [])).toThrow(/^execution-result: started_at: /);
    expect(() => expectDocument('execution-result', 'text', [])).toThrow(/^execution-result: the document: /);
  });
});

it('expectEqual shows both values, shortened', () => {
  expect(() => expectEqual('result', { a: 1 }, { a: 2 })).toThrow('result is {"a":1}, not {"a":2}');
  expect(() => expectEqual('result', 'x'.repeat(9_999), undefined)).toThrow(
    /^result is "x{299}, not nothing$/,
  );
});
