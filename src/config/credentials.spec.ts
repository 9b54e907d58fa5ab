import { expect, it } from '@jest/globals';
import { credentialsOf } from './credentials.js';
import { parseSettings, settingsSchema } from './settings.js';

const of = (env: Record<string, string>): string[] => credentialsOf(parseSettings(env));

it('are the tokens, and of a URL the password', () => {
  expect(
    of({
      REDIS_URL: 'redis://user:p%40ss:word@host:6379/0',
      API_TOKEN: 'a-token-of-some-length',
      NPM_TOKEN: 'npm_token',
      QUEUE_NAME: 'no-credential',
    }),
  ).toEqual(['p%40ss:word', 'p@ss:word', 'a-token-of-some-length', 'npm_token']);
});

it.each([
  ['redis://host', []],
  ['redis://user@host', []],
  ['redis://:word@host', ['word', 'word']],
  ['rediss+sentinel://:wo%rd@h1:1,h2:2/primary', ['wo%rd']],
])('in %s are %j', (REDIS_URL, expected) => expect(of({ REDIS_URL })).toEqual(expected));

it('are every setting that sounds like one', () => {
  const names = Object.entries(settingsSchema.shape)
    .filter(([, schema]) => schema.meta()?.['credential'] === true)
    .map(([name]) => name);
  const suspicious = Object.keys(settingsSchema.shape).filter((name) =>
    /TOKEN|SECRET|PASSWORD|SIGNING_KEY|REDIS_URL|DATABASE_URL/.test(name),
  );
  expect(names).toEqual(expect.arrayContaining(suspicious));
});
