import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { bullScripts, UnknownScriptsError } from './bull-scripts.js';
import type { RedisClient } from './connections.js';

const load = createRequire(import.meta.url);
const SCRIPTS = ['moveToActive-11', 'moveToFinished-14', 'addStandardJob-9'].map(
  (file) =>
    Object.values(
      load(`bullmq/dist/cjs/scripts/${file}.js`) as Record<
        string,
        { name: string; content: string; keys: number }
      >,
    )[0] as { name: string; content: string; keys: number },
);

/** A connection to which BullMQ has given these, changed as wanted. */
const aClient = (change: (script: { lua: string; numberOfKeys: number }) => object = (script) => script) =>
  ({
    scriptsSet: Object.fromEntries(
      SCRIPTS.map(({ name, content, keys }) => [
        `${name}:6.0.0`,
        change({ lua: content, numberOfKeys: keys }),
      ]),
    ),
  }) as unknown as RedisClient;

describe('bullScripts', () => {
  it('knows the scripts of the BullMQ that is installed', () => {
    const scripts = bullScripts(aClient());
    expect(scripts.moveToFinished.keys).toBe(14);
    expect(scripts.addStandardJob.source).toContain('storeJob');
  });

  it.each<[string, RedisClient]>([
    ['another text', aClient(({ lua, ...rest }) => ({ ...rest, lua: `${lua} ` }))],
    ['other keys', aClient(({ lua }) => ({ lua, numberOfKeys: 15 }))],
    ['no such script', { scriptsSet: {} } as unknown as RedisClient],
  ])('refuses %s', (_what, client) => {
    expect(() => bullScripts(client)).toThrow(UnknownScriptsError);
  });
});
