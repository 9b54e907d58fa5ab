import { expect, it } from '@jest/globals';
import { withoutSecrets } from './without-secrets.js';

const removed = (context: unknown): unknown => {
  const text = withoutSecrets(JSON.stringify(context));
  return text === null ? null : JSON.parse(text);
};

it('takes the values out, wherever they stand, and leaves the names', () => {
  const context = {
    workflow_code: 'fetch("https://x/?key=abc%2B123")',
    secrets: { KEY: 'abc+123', PIN: '1' },
    parameters: { key: ['abc+123'], same: 1 },
  };
  expect(removed(context)).toEqual({
    workflow_code: 'fetch("https://x/?key=[redacted]")',
    secrets: { KEY: '[redacted]', PIN: '[redacted]' },
    parameters: { key: ['[redacted]'], same: 1 },
  });
});

it('leaves alone what it has been through already', () => {
  expect(removed(removed({ secrets: { A: 'secret' } }))).toBeNull();
});

it.each([[{}], [{ secrets: null }], [{ secrets: {} }], [null], [[1]], ['secrets']])(
  'has nothing to do for %j',
  (context) => expect(removed(context)).toBeNull(),
);

it('leaves alone what is no JSON', () => {
  expect(withoutSecrets('{"secrets":')).toBeNull();
});

it('keeps nothing of a context with more secrets than can be looked for', () => {
  const secrets = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`K${index}`, `${index}-`.repeat(8)]),
  );
  expect(removed({ secrets, parameters: { key: secrets['K7'] } })).toEqual({ secrets: {} });
});

it('takes out a token beside the secrets too', () => {
  const context = { parameters: { t: 'token-1234' }, engine_token: 'token-1234' };
  const rest = { parameters: { t: '[redacted]' }, secrets: {}, engine_token: '[redacted]' };
  expect(removed(context)).toEqual(rest);
  expect(removed(rest)).toBeNull();
});
