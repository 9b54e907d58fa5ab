import { describe, expect, it } from '@jest/globals';
import { availableParallelism, hostname } from 'node:os';
import { PRESET_NAMES } from './presets.js';
import { parseSettings, SettingsError, settingsSchema } from './settings.js';

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    parseSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('parseSettings', () => {
  it('needs nothing', () => {
    expect(parseSettings({})).toMatchObject({
      KEY_PREFIX: '',
      QUEUE_NAME: 'bifrost-executions',
      WORKER_ID: `${hostname()}-${process.pid}`,
      WORKER_TYPE: 'local',
      HOST: '127.0.0.1',
      CONCURRENCY: 2 * availableParallelism(),
      DEFAULT_TIMEOUT_SECONDS: 300,
      MAX_TIMEOUT_SECONDS: 3600,
      DRAIN_TIMEOUT_SECONDS: 25,
      RESULT_TTL_SECONDS: 604_800,
      ROLES: ['worker', 'api', 'archive'],
      LOG_LEVEL: 'info',
    });
  });

  it('reads text as what it stands for and ignores what it does not know', () => {
    const settings = parseSettings({ PORT: '0', CONCURRENCY: '8', ROLES: 'api, worker', HOME: '/root' });
    expect(settings).toMatchObject({ PORT: 0, CONCURRENCY: 8, ROLES: ['api', 'worker'] });
    expect(settings).not.toHaveProperty('HOME');
  });

  it('takes an empty variable as not set', () => {
    expect(parseSettings({ QUEUE_NAME: '', PORT: '', API_TOKEN: '' })).toEqual(parseSettings({}));
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(parseSettings({}))).toBe(true);
  });

  it('reports all problems in one message, each with its variable', () => {
    const lines = problemsOf({
      REDIS_URL: 'localhost:6379',
      PORT: 'http',
      CONCURRENCY: '0',
      API_TOKEN: 'short',
      LOG_LEVEL: 'loud',
      ROLES: 'worker,boss',
      QUEUE_NAME: 'a:b',
    });
    expect(lines[0]).toBe('The configuration cannot be used:');
    expect(lines.at(-1)).toContain('docs/configuration.md');
    const named = lines.slice(1, -1).map((line) => line.trim().split(/[:.]/)[0]);
    expect(new Set(named)).toEqual(
      new Set(['API_TOKEN', 'CONCURRENCY', 'LOG_LEVEL', 'PORT', 'QUEUE_NAME', 'REDIS_URL', 'ROLES']),
    );
    expect(named).toHaveLength(7);
  });

  it.each([
    [{ CONCURRENCY: 'many' }, 'CONCURRENCY: must be a whole number from 1 to 1000, but is "many"'],
    [{ BIFROST_PORT: 'http' }, 'BIFROST_PORT: must be a whole number from 0 to 65535, but is "http"'],
    [{ NATIVE_ADDONS: 'yes' }, 'NATIVE_ADDONS: must be off or on, but is "yes"'],
    [{ ROLES: 'worker,boss' }, 'ROLES: must be worker, api or archive, but is "worker,boss"'],
    [
      { TRUSTED_CODE: 'maybe' },
      'TRUSTED_CODE: must be true, 1, yes, on, false, 0, no or off, but is "maybe"',
    ],
    [
      { WORKER_TYPE: 'x'.repeat(100) },
      `WORKER_TYPE: must have at most 64 characters, but is "${'x'.repeat(80)}…"`,
    ],
    [{ API_TOKEN: 'short' }, 'API_TOKEN: must have at least 16 characters'],
    [{ API_TOKEN_FILE: '/nowhere' }, 'API_TOKEN_FILE: /nowhere cannot be read: ENOENT'],
    [
      { RUNNER: 'thread', TRUSTED_CODE: 'true', ISOLATION: 'process' },
      'ISOLATION: must be auto or thread for RUNNER=thread, but is "process": threads of one process cannot be kept from each other',
    ],
  ])('says of %j what is allowed and what it is', (env, problem) => {
    expect(problemsOf(env)[1]).toBe(`  ${problem}`);
  });

  it('has words of its own for every setting', () => {
    const env = Object.fromEntries(Object.keys(settingsSchema.shape).map((name) => [name, '\u0000 ?']));
    for (const line of problemsOf(env).slice(1, -1))
      expect(line).not.toMatch(/invalid|received|expected [a-z]+,/i);
  });

  it('remarks on what is probably meant otherwise, also where all can be used', () => {
    const remarks: string[] = [];
    parseSettings({ CONCURENCY: '2' }, {}, (remark) => remarks.push(remark));
    expect(remarks).toEqual(['CONCURENCY is not a setting; did you mean CONCURRENCY?']);
  });

  it('lets options of a command line win over every spelling', () => {
    const env = { WORKER_ID: 'a', BIFROST_WORKER_ID: 'b' };
    expect(parseSettings(env).WORKER_ID).toBe('b');
    expect(parseSettings(env, { WORKER_ID: 'c', WORKER_TYPE: undefined }).WORKER_ID).toBe('c');
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'worker.internal'])('wants a token to listen on %s', (HOST) => {
    expect(problemsOf({ HOST }).join('\n')).toContain('API_TOKEN: must be set');
    expect(problemsOf({ HOST, API_TOKEN: 'sixteen-letters-x' })).toEqual([]);
  });

  it.each(['127.0.0.1', '::1', 'localhost'])('wants none to listen on %s', (HOST) => {
    expect(problemsOf({ HOST })).toEqual([]);
  });

  it('wants the default time limit within the longest', () => {
    expect(problemsOf({ DEFAULT_TIMEOUT_SECONDS: '10', MAX_TIMEOUT_SECONDS: '5' }).join('\n')).toContain(
      'DEFAULT_TIMEOUT_SECONDS: must not be more than MAX_TIMEOUT_SECONDS',
    );
  });

  it('reports what does not fit together beside what cannot be read', () => {
    const text = problemsOf({ HOST: '0.0.0.0', CONCURRENCY: 'many' }).join('\n');
    expect(text).toContain('CONCURRENCY');
    expect(text).toContain('API_TOKEN: must be set');
  });

  it('refuses a network proxy for threads, and entries of its list that mean nothing', () => {
    const threads = problemsOf({ NETWORK: 'proxy', RUNNER: 'thread', TRUSTED_CODE: 'true' });
    expect(threads[1]).toMatch(/^ {2}NETWORK: must be none or open for RUNNER=thread/);
    const list = problemsOf({ NETWORK_ALLOW: 'fine.example,http://bad.example' });
    expect(list[1]).toContain('NETWORK_ALLOW: "http://bad.example" is no host name');
  });

  it.each([
    [{ ISOLATION: 'process' }, /^ {2}NATIVE_ADDONS: must be off for ISOLATION=process/],
    [{ RUNNER: 'thread', TRUSTED_CODE: 'true' }, /^ {2}NATIVE_ADDONS: must be off for .*RUNNER=thread/],
    [{ RUNNER_MAX_EXECUTIONS: '0' }, /^ {2}RUNNER_MAX_EXECUTIONS: must be 1 for NATIVE_ADDONS=on/],
    [{ NATIVE_ADDONS: 'yes' }, /^ {2}NATIVE_ADDONS: .*off.*on/],
  ])('refuses native add-ons with %j', (settings, problem) => {
    expect(problemsOf({ NATIVE_ADDONS: 'on', ...settings })[1]).toMatch(problem);
  });

  it.each([
    ['redis://host/zero', /^ {2}REDIS_URL: must have a number as its database/],
    ['redis://user:ge/heim@host', /^ {2}REDIS_URL: must .*percent-encoded/],
    ['redis+sentinel://host', /^ {2}REDIS_URL: must name the primary/],
  ])('refuses a URL that can be read in part: %s', (url, problem) => {
    const text = problemsOf({ REDIS_URL: url });
    expect(text[1]).toMatch(problem);
    expect(text.join('\n')).not.toContain('heim');
  });

  it.each(['with a blank in it', 'ümläute-können-nicht', 'two-lines-of-it\nand-more'])(
    'refuses a token that no client could send: %j',
    (token) => {
      expect(problemsOf({ API_TOKEN: token })[1]).toMatch(/^ {2}API_TOKEN: must have letters/);
    },
  );

  it('never repeats a secret', () => {
    const text = problemsOf({ REDIS_URL: 'reddis://u:geheim@h', API_TOKEN: 'geheim' }).join('\n');
    expect(text).toContain('REDIS_URL');
    expect(text).not.toContain('geheim');
  });

  it.each([
    [{ REDIS_HOST: 'db' }, 'redis://db:6379'],
    [{ REDIS_PORT: '7000' }, 'redis://localhost:7000'],
    [{ REDIS_HOST: '::1', REDIS_PASSWORD: 'a b@/' }, 'redis://:a%20b%40%2F@[::1]:6379'],
    [{ REDIS_HOST: 'db', REDIS_URL: 'redis://other' }, 'redis://other'],
    [{}, undefined],
  ])('reads %j as the address of Redis', (env, url) => {
    expect(parseSettings(env).REDIS_URL).toBe(url);
  });

  it.each(['db:6379', 'redis://db', 'a b'])('refuses %s as a host', (REDIS_HOST) => {
    expect(problemsOf({ REDIS_HOST })[1]).toContain('REDIS_HOST: must be a host name');
  });

  it('takes the defaults of a preset, and each variable that is set instead', () => {
    expect(parseSettings({ PRESET: 'orchestrator' })).toMatchObject({
      REDIS_URL: 'redis://localhost:6379',
      QUEUE_NAME: 'claude-tasks',
      TASK_RESULT: 'text',
      CONCURRENCY: 1,
      PORT: 0,
    });
    const env = { PRESET: 'orchestrator', CONCURRENCY: '3', REDIS_URL: 'redis://other', TASK_RESULT: '' };
    expect(parseSettings(env)).toMatchObject({
      CONCURRENCY: 3,
      REDIS_URL: 'redis://other',
      TASK_RESULT: 'text',
    });
  });

  it('has usable presets only, and names them', () => {
    for (const PRESET of PRESET_NAMES) expect(problemsOf({ PRESET })).toEqual([]);
    expect(problemsOf({ PRESET: 'constructor' })[1]).toContain('must be orchestrator or engine');
  });

  it('refuses reused runners for modules that may change', () => {
    expect(problemsOf({ WORKSPACE_SOURCE: 'modules', RUNNER_MAX_EXECUTIONS: '0' })[1]).toContain(
      'RUNNER_MAX_EXECUTIONS: must be 1',
    );
  });
});
