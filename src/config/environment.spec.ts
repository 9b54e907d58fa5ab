import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from './environment.js';

const NAMES = {
  all: ['API_TOKEN', 'CONCURRENCY', 'DATABASE_URL', 'MAX_TIMEOUT_SECONDS', 'PORT', 'REDIS_PORT'],
  credentials: new Set(['API_TOKEN', 'DATABASE_URL']),
};
const read = (env: Record<string, string | undefined>) => readEnvironment(env, NAMES);

describe('readEnvironment', () => {
  let folder: string;
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bifrost-environment-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes each setting with and without the prefix; with it wins', () => {
    expect(read({ CONCURRENCY: '1', BIFROST_CONCURRENCY: '2', BIFROST_PORT: '3', HOME: '/' })).toEqual({
      values: { CONCURRENCY: '2', PORT: '3' },
      spellings: { CONCURRENCY: 'BIFROST_CONCURRENCY', PORT: 'BIFROST_PORT' },
      problems: [],
      remarks: [],
    });
  });

  it('takes an empty variable as not set, also beside the same name with the prefix', () => {
    expect(read({ CONCURRENCY: '', BIFROST_PORT: '', PORT: '3' }).values).toEqual({ PORT: '3' });
  });

  it('takes a credential from a file, without the line break at its end', () => {
    const env = {
      API_TOKEN_FILE: file('one', 'a token\n'),
      BIFROST_DATABASE_URL_FILE: file('two', 'url\r\n'),
    };
    expect(read(env).values).toEqual({ API_TOKEN: 'a token', DATABASE_URL: 'url' });
  });

  it('takes nothing else from a file', () => {
    const { values, remarks } = read({ CONCURRENCY_FILE: file('three', '4') });
    expect(values).toEqual({});
    expect(remarks).toEqual([]);
  });

  it.each([
    ['is not there', () => '/nowhere/token', /^\/nowhere\/token cannot be read: ENOENT$/],
    ['is a folder', () => folder, /cannot be read: EISDIR$/],
    ['is empty', () => file('empty', '\n'), /is empty$/],
    ['is no credential', () => file('large', 'x'.repeat(100_000)), /is too large to hold a credential$/],
  ])('says when a file %s', (_what, path, message) => {
    const { values, problems } = read({ API_TOKEN_FILE: path() });
    expect(values).toEqual({});
    expect(problems).toEqual([{ name: 'API_TOKEN_FILE', message: expect.stringMatching(message) }]);
  });

  it('wants a credential from one place', () => {
    expect(read({ API_TOKEN: 'x', API_TOKEN_FILE: '/x' }).problems).toEqual([
      { name: 'API_TOKEN', message: 'must not be set beside API_TOKEN_FILE' },
    ]);
  });

  it.each([
    [{ CONCURENCY: '1' }, 'CONCURENCY is not a setting; did you mean CONCURRENCY?'],
    [{ BIFROST_CONCURENCY: '1' }, 'BIFROST_CONCURENCY is not a setting; did you mean CONCURRENCY?'],
    [{ DATABASE_URI: '1' }, 'DATABASE_URI is not a setting; did you mean DATABASE_URL?'],
    [{ MAX_TIMEOUT: '1' }, 'MAX_TIMEOUT is not a setting; did you mean MAX_TIMEOUT_SECONDS?'],
    [{ BIFROST_COLOUR: '1' }, 'BIFROST_COLOUR is not a setting; docs/configuration.md lists what is'],
  ])('remarks on %j', (env, remark) => {
    expect(read(env).remarks).toEqual([remark]);
  });

  it.each([
    'PATH',
    'PORTS',
    'HOSTNAME',
    'OTEL_API_TOKEN',
    'BIFROST_URL',
    'BIFROST_TOKEN',
    'REDIS_PORT_6379_TCP',
  ])('says nothing of %s', (name) => {
    expect(read({ [name]: 'x' }).remarks).toEqual([]);
  });

  it('does not take what Kubernetes says of a Service for a port', () => {
    const link = 'tcp://10.0.0.1:6379';
    const { values, remarks } = read({ REDIS_PORT: link });
    expect(values).toEqual({});
    expect(remarks).toEqual([expect.stringContaining('enableServiceLinks: false, or BIFROST_REDIS_PORT')]);
    expect(read({ BIFROST_REDIS_PORT: link }).values).toEqual({ REDIS_PORT: link });
  });
});
