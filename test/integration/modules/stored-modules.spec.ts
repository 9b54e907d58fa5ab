import { expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { PreparedCode } from '../../../src/workspace/workspace.service.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { openWorkspace } from '../../support/workspace.js';

const redis = useRedis();

/** A worker's workspace over modules that another program keeps. */
function aWorkspace() {
  const client = redis.connect();
  const { keys, rootUrl, store, service } = openWorkspace(client, client, `${randomUUID()}:`, true);
  const put = async (path: string, content: string): Promise<void> => {
    await client.set(keys.storedModule(path), JSON.stringify({ content, path, hash: 'of another program' }));
    await client.sadd(keys.storedModules(), path);
  };
  const prepare = (path: string, more: object = {}): Promise<PreparedCode> =>
    service.prepare({ entry: { kind: 'module', path }, ...more });
  const namesIn = (prepared: PreparedCode): string[] => {
    if (!prepared.ok) throw new Error(prepared.failure.message);
    return prepared.modules.map(
      ({ url, source }) => `${url.slice(rootUrl.length)} ${/["'](\w+)["']/.exec(source)?.[1]}`,
    );
  };
  return { client, keys, store, service, put, prepare, namesIn };
}

it('runs modules with what they import, and names no generation', async () => {
  const { put, prepare, namesIn, service } = aWorkspace();
  await put('workflows/greet.ts', `import { word } from '../lib/word.js'; export const own = 'greet'; word;`);
  await put('lib/word.ts', `export const word: string = 'hello';`);
  const prepared = await prepare('workflows/greet');
  expect(prepared.generation).toBeNull();
  expect(namesIn(prepared).toSorted()).toEqual(['lib/word.ts hello', 'workflows/greet.ts greet']);
  expect(await service.currentGeneration()).toBeNull();
});

it('has every change with the next execution', async () => {
  const { client, keys, put, prepare, namesIn } = aWorkspace();
  await put('main.ts', `export const own = 'one';`);
  expect(namesIn(await prepare('main.ts'))).toEqual(['main.ts one']);
  await put('main.ts', `export const own = 'two';`);
  expect(namesIn(await prepare('main.ts'))).toEqual(['main.ts two']);
  await client.del(keys.storedModule('main.ts'));
  expect(await prepare('main.ts')).toMatchObject({ ok: false, failure: { code: 'MODULE_NOT_FOUND' } });
});

it('says what is near a module that is not there', async () => {
  const { put, prepare } = aWorkspace();
  await put('workflows/greet.ts', 'export {};');
  expect(await prepare('workflows/great.ts')).toMatchObject({
    ok: false,
    failure: {
      message:
        'Cannot find the workspace module "workflows/great.ts": no stored module has such a path. Did you mean workflows/greet.ts?',
    },
  });
});

it.each([['{bad'], ['{"path":"main.ts"}'], ['7']])('names the key that holds %s', async (text) => {
  const { client, keys, prepare } = aWorkspace();
  await client.set(keys.storedModule('main.ts'), text);
  const prepared = await prepare('main.ts');
  expect(prepared).toMatchObject({ ok: false, failure: { code: 'MODULE_NOT_FOUND' } });
  if (!prepared.ok)
    expect(prepared.failure.message).toContain(`${keys.storedModule('main.ts')} cannot be read`);
});

it('has no generation that could be asked for', async () => {
  const { put, prepare } = aWorkspace();
  await put('main.ts', 'export {};');
  expect(await prepare('main.ts', { generation: 3, only: true })).toMatchObject({
    ok: false,
    failure: { code: 'MODULE_NOT_FOUND' },
  });
  expect(await prepare('main.ts', { generation: 3 })).toMatchObject({ ok: true, generation: null });
});

it('gives an execution no other source than the one it learned of', async () => {
  const { put, store } = aWorkspace();
  await put('main.ts', 'export const n = 1;');
  const [hash] = await store.hashes(0, ['main.ts']);
  expect(await store.sources([{ path: 'main.ts', hash: hash as string }])).toEqual(['export const n = 1;']);
  await expect(store.sources([{ path: 'main.ts', hash: 'of what was there before' }])).rejects.toThrow(
    /main\.ts was changed while an execution was loading it/,
  );
});
