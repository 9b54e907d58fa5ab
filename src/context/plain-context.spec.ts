import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { executionContextSchema } from '../contract/context.js';
import { isPlainContext } from './plain-context.js';

const USUAL = {
  file_path: 'workflows/greet.ts',
  function_name: 'default',
  parameters: { name: 'Ada', deep: [{ n: 1 }] },
  organization: { id: 'acme', name: 'Acme' },
  caller: { user_id: 'u-1', email: 'ada@example.org', name: null },
  timeout_seconds: 60,
};
const PLAIN = [
  USUAL,
  { workflow_code: 'return 1', sync: true, workflow_id: 'w', name: 'n', execution_id: 'e' },
  {
    workflow_code: '1',
    file_path: 'a.ts',
    config: {},
    startup: null,
    event: { type: 'x' },
    timeout_seconds: 0,
  },
];

/** More levels than a value may have. */
const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`) as unknown;

describe('isPlainContext', () => {
  it.each(PLAIN.map((context) => [JSON.stringify(context)]))('knows %s', (text) => {
    expect(isPlainContext(JSON.parse(text))).toBe(true);
    expect(executionContextSchema.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['nothing', null],
    ['no code', { parameters: {} }],
    ['code in base64', { code: 'MQ==' }],
    ['a field that is not known', { ...USUAL, more: 1 }],
    ['a name that is no identifier', { ...USUAL, function_name: 'a-b' }],
    ['an organization without an id', { ...USUAL, organization: { name: 'Acme' } }],
    ['more of its caller', { ...USUAL, caller: { user_id: 'u', roles: [] } }],
    ['parameters that are a list', { ...USUAL, parameters: [] }],
    ['parameters that are too deep', { ...USUAL, parameters: deep }],
    ['secrets', { ...USUAL, secrets: { a: 'b' } }],
    ['time without end', JSON.parse('{"file_path":"a","timeout_seconds":1e999}')],
    ['less than no time', { ...USUAL, timeout_seconds: -1 }],
  ])('leaves %s to the schema', (_, context) => {
    expect(isPlainContext(context)).toBe(false);
  });

  it('agrees with the schema on whatever it takes for plain', () => {
    const name = fc.constantFrom(...Object.keys(executionContextSchema.shape), 'more', '__proto__');
    const named = fc.dictionary(
      fc.constantFrom('id', 'user_id', 'email', 'name', '__proto__', 'more'),
      fc.oneof(fc.string(), fc.jsonValue()),
    );
    const part = fc.oneof(
      fc.jsonValue(),
      named,
      fc.constantFrom<unknown>('default', '$a', 'ünic', '', {}, [], true, 0, -1, 1e13, deep),
    );
    let plain = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...PLAIN),
        fc.array(fc.tuple(name, fc.option(part, { nil: undefined })), { maxLength: 3 }),
        (context, changes) => {
          const text = JSON.stringify({ ...context, ...Object.fromEntries(changes) });
          const value: unknown = JSON.parse(text);
          if (!isPlainContext(value)) return;
          plain += 1;
          expect(executionContextSchema.parse(JSON.parse(text))).toEqual(value);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(plain).toBeGreaterThan(50);
  });
});
