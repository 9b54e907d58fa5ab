import { describe, expect, it } from '@jest/globals';
import { availableParallelism, hostname } from 'node:os';
import { parseSettings, SettingsError } from './settings.js';

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

  it('never repeats a secret', () => {
    const text = problemsOf({ REDIS_URL: 'reddis://u:geheim@h', API_TOKEN: 'geheim' }).join('\n');
    expect(text).toContain('REDIS_URL');
    expect(text).not.toContain('geheim');
  });
});
