import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../../src/lib/sha256.js';
import {
  GenerationNotFound,
  PublishConflict,
  WorkspaceInputError,
} from '../../../src/workspace/generation.js';
import { RETENTION } from '../../../src/workspace/janitor.js';
import { ModuleRunner } from '../../support/runners/module-runner.js';
import { TestRedis, useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { filesOf, openWorkspace } from '../../support/workspace.js';

const redis = useRedis();
let workspaces = 0;
const open = (prefix = `p${(workspaces += 1)}:`) => {
  const client = redis.connect();
  return { ...openWorkspace(client, redis.connect(), prefix), client, prefix };
};

describe('publish', () => {
  it('makes generations that nothing changes any more, and announces them', async () => {
    const { publisher, store, client, keys } = open();
    const subscriber = redis.connect();
    const received: string[] = [];
    subscriber.on('message', (_, message: string) => received.push(message));
    await subscriber.subscribe(keys.workspaceChanged());
    const first = await publisher.publish(filesOf({ './a.ts': '1', 'b/c.ts': '2' }), {
      message: 'm',
      author: 'ann',
    });
    const second = await publisher.publish(filesOf({ 'a.ts': '1!', 'd.ts': '2' }));
    await until(() => received.length === 2, { what: 'both messages' });
    expect(received).toEqual([String(first.generation), String(second.generation)]);
    expect(await store.current()).toBe(second.generation);
    expect(await client.hgetall(keys.workspaceGeneration(first.generation))).toEqual({
      'a.ts': sha256('1'),
      'b/c.ts': sha256('2'),
    });
    expect(await store.readFile(first.generation, 'a.ts')).toBe('1');
    expect(await store.readFile(second.generation, 'a.ts')).toBe('1!');
    expect(await store.readFile(second.generation, 'b/c.ts')).toBeNull();
    expect(await store.diff(first.generation, second.generation)).toEqual({
      added: ['d.ts'],
      changed: ['a.ts'],
      removed: ['b/c.ts'],
    });
    expect(await store.list()).toEqual([second, first]);
    expect(first).toMatchObject({
      message: 'm',
      author: 'ann',
      files: 2,
      added: 2,
      published: true,
      parent: null,
    });
    expect(second).toMatchObject({ added: 1, changed: 1, removed: 1, parent: first.generation });
  });

  it('uploads only what Redis lacks', async () => {
    const { publisher } = open();
    const progress: [number, number][] = [];
    const onProgress = (uploaded: number, total: number): number => progress.push([uploaded, total]);
    await publisher.publish(filesOf({ 'a.ts': '1', 'b.ts': '1', 'c.ts': '2' }), { onProgress });
    await publisher.publish(filesOf({ 'a.ts': '1', 'b.ts': '3', 'c.ts': '2' }), { onProgress });
    await publisher.publish(filesOf({ 'z.ts': '1' }), { onProgress });
    expect(progress).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  it('lets one of many publishers win and rejects the others', async () => {
    const prefix = `race${(workspaces += 1)}:`;
    const first = open(prefix);
    const { generation } = await first.publisher.publish(filesOf({ 'a.ts': '0' }));
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, index) =>
        open(prefix).publisher.publish(filesOf({ 'a.ts': `by ${index}` }), { expected: generation }),
      ),
    );
    const won = results.filter(({ status }) => status === 'fulfilled');
    const lost = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(won).toHaveLength(1);
    for (const reason of lost) expect(reason).toBeInstanceOf(PublishConflict);
    const current = (await first.store.current()) as number;
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(await first.store.readFile(current, 'a.ts')).toBe(`by ${winner}`);
    expect((await first.store.list()).map((record) => record.generation)).toEqual([current, generation]);
    expect(await first.store.records()).toHaveLength(2);
  });

  it('goes on from generations that another program has published', async () => {
    const { publisher, store, client, keys } = open();
    await client.set(keys.workspaceBlob(sha256('x')), 'x');
    await client.hset(keys.workspaceGeneration(41), 'a.ts', sha256('x'));
    await client.set(keys.workspaceCurrent(), 41);
    expect(await store.list()).toMatchObject([{ generation: 41, files: 1, created_at: null }]);
    const next = await publisher.publish(filesOf({ 'a.ts': 'y' }));
    expect(next).toMatchObject({ generation: 42, parent: 41, changed: 1 });
    expect((await store.list()).map(({ generation }) => generation)).toEqual([42, 41]);
  });

  it('rolls back under a new number', async () => {
    const { publisher, store } = open();
    const first = await publisher.publish(filesOf({ 'a.ts': 'good' }));
    await publisher.publish(filesOf({ 'a.ts': 'bad' }));
    const back = await publisher.rollback(first.generation);
    expect(back.generation).toBe(3);
    expect(back.message).toBe('Roll back to generation 1');
    expect(await store.readFile(3, 'a.ts')).toBe('good');
    await expect(publisher.rollback(99)).rejects.toBeInstanceOf(GenerationNotFound);
    expect(await store.current()).toBe(3);
  });

  it('names every file that cannot be published, and publishes none', async () => {
    const { publisher, store } = open();
    const files = filesOf({
      'ok.ts': '1',
      '../up.ts': '1',
      '/abs.ts': '1',
      'a//b.ts': '1',
      'a\\b.ts': '1',
      'a\u0007.ts': '1',
      'x/node_modules/y.js': '1',
      'inline-code.ts': '1',
      'large.ts': 'x'.repeat(3 * 1024 * 1024),
    });
    const error = await publisher.publish(files).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkspaceInputError);
    expect((error as WorkspaceInputError).problems.map(({ path }) => path)).toEqual(
      [...files.keys()].slice(1),
    );
    expect(await store.current()).toBeNull();
  });

  it('finds what is no code among sources that are kept, and shares what it compiled', async () => {
    const { publisher, service, store, compiler } = open();
    const files = { 'a.ts': 'let = ;', 'b.json': '{', 'c.md': '{', 'd.ts': 'export const d: number = 1' };
    const hashes = await publisher.keepSources(Object.values(files));
    const refs = Object.keys(files).map((path, index) => ({ path, hash: hashes[index] as string }));
    const faults = await service.checkStored(refs, new Map());
    // JSON is read by the code that imports it.
    expect(faults.map(({ path, location }) => [path, location?.file, location?.line])).toEqual([
      ['a.ts', 'a.ts', 1],
    ]);
    const shared = async () => (await store.compiled([compiler.key('d.ts', hashes[3] as string)]))[0];
    await until(shared, { what: 'the compiled code is shared' });
  });

  it('makes temporary generations that are not current, not listed, and go after an hour', async () => {
    const { publisher, store, janitor } = open();
    await publisher.publish(filesOf({ 'a.ts': '1' }));
    const { generation } = await publisher.publish(filesOf({ 'a.ts': '2' }), { temporary: true });
    expect(await store.current()).toBe(1);
    expect((await store.list()).map((record) => record.generation)).toEqual([1]);
    expect(await store.readFile(generation, 'a.ts')).toBe('2');
    const hours = (count: number): number => Date.now() + count * 3600_000;
    expect(await janitor.prune(RETENTION, hours(0.9))).toEqual([]);
    await store.holdUntil(generation, hours(1.5));
    expect(await janitor.prune(RETENTION, hours(1.1))).toEqual([]);
    expect(await janitor.prune(RETENTION, hours(1.6))).toEqual([generation]);
    expect(await store.current()).toBe(1);
  });
});

describe('removal', () => {
  const retention = { keep: 2, minimumAgeMs: 0, temporaryAgeMs: 0, blobGraceSeconds: 100 };

  it('removes what is old and not in use, and the sources that no generation names', async () => {
    const { publisher, janitor, store, client, keys } = open();
    for (let index = 1; index <= 5; index += 1) {
      await publisher.publish(filesOf({ 'same.ts': 'same', 'a.ts': `v${index}` }));
    }
    await store.holdUntil(2, Date.now() + 60_000);
    await store.holdUntil(3, Date.now() - 1);
    expect(await janitor.prune(retention)).toEqual([1, 3]);
    expect((await store.list()).map(({ generation }) => generation)).toEqual([5, 4, 2]);
    expect(await store.readFile(2, 'a.ts')).toBe('v2');
    const ttl = (source: string) => client.ttl(keys.workspaceBlob(sha256(source)));
    expect(await Promise.all(['v1', 'v3'].map(ttl))).toEqual([expect.any(Number), expect.any(Number)]);
    for (const gone of ['v1', 'v3']) expect(await ttl(gone)).toBeGreaterThan(0);
    for (const kept of ['v2', 'v4', 'v5', 'same']) expect(await ttl(kept)).toBe(-1);
    expect(await janitor.prune(retention)).toEqual([]);
  });

  it('keeps what is young, and takes the limit off a source that is named again', async () => {
    const { publisher, janitor, client, keys } = open();
    for (const source of ['v1', 'v2', 'v3']) await publisher.publish(filesOf({ 'a.ts': source }));
    expect(await janitor.prune({ ...retention, minimumAgeMs: 60_000 })).toEqual([]);
    expect(await janitor.prune(retention)).toEqual([1]);
    expect(await client.ttl(keys.workspaceBlob(sha256('v1')))).toBeGreaterThan(0);
    await publisher.publish(filesOf({ 'a.ts': 'v1' }));
    expect(await client.ttl(keys.workspaceBlob(sha256('v1')))).toBe(-1);
  });
});

/** Two modules that hold the same number. */
const version = (n: number) =>
  filesOf({
    'main.ts': `import { v } from './v'; export default [v, ${n}]`,
    'v.ts': `export const v = ${n}`,
  });

/** Throws when what is loaded at first and what is loaded late are of two generations. */
const lateVersion = (n: number) =>
  filesOf({
    'main.ts': `import { v } from './v'; export default async (name = ['w']) => { const { w } = await import('./' + name[0]); if (v !== w) throw new Error('mixed'); return v }`,
    'v.ts': `export const v = ${n}`,
    'w.ts': `export const w = ${n}`,
  });

describe('executions', () => {
  let runner: ModuleRunner;
  beforeAll(async () => {
    runner = await ModuleRunner.build();
  });
  afterAll(() => runner.dispose());

  it('run the new code at once after a publish, in every worker, and the old code where it is pinned', async () => {
    const prefix = `pin${(workspaces += 1)}:`;
    const [here, there] = [open(prefix), open(prefix)];
    const run = async (generation: number | null = null) => {
      const prepared = await there.service.prepare({ entry: { kind: 'module', path: 'main' }, generation });
      return [prepared.generation, (await runner.run(prepared, there.rootUrl)).value];
    };
    for (let n = 1; n <= 3; n += 1) {
      await here.publisher.publish(version(n));
      expect(await run()).toEqual([n, [n, n]]);
    }
    expect(await run(2)).toEqual([2, [2, 2]]);
    expect(await run(77)).toEqual([3, [3, 3]]);
  });

  it('see one generation each, also in what they load late, while others are published', async () => {
    const { publisher, service, rootUrl } = open();
    await publisher.publish(lateVersion(1));
    const runs = Array.from({ length: 12 }, async () => {
      const prepared = await service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
      const run = await runner.run(prepared, rootUrl);
      return { generation: prepared.generation, ...run };
    });
    for (let n = 2; n <= 6; n += 1) await publisher.publish(lateVersion(n));
    for (const run of await Promise.all(runs)) {
      expect(run.error).toBeUndefined();
      expect(run.value).toBe(run.generation);
      expect(run.requests).toHaveLength(1);
    }
  });

  it('notice a module that comes to stand before the one imported so far', async () => {
    const { publisher, service, rootUrl } = open();
    const files = {
      'main.ts': `import v from './v'; export default v`,
      'v/index.ts': `export default 'folder'`,
    };
    const run = async () => {
      const prepared = await service.prepare({ entry: { kind: 'module', path: 'main' } });
      return (await runner.run(prepared, rootUrl)).value;
    };
    await publisher.publish(filesOf(files));
    expect([await run(), await run()]).toEqual(['folder', 'folder']);
    await publisher.publish(filesOf({ ...files, 'v.ts': `export default 'file'` }));
    expect(await run()).toBe('file');
    await publisher.publish(filesOf({ ...files, 'main.js': `export default 'js'`, 'main/index.ts': '' }));
    expect(await run()).toBe('folder');
  });

  it('share compiled code between workers', async () => {
    const prefix = `share${(workspaces += 1)}:`;
    const [here, there] = [open(prefix), open(prefix)];
    await here.publisher.publish(filesOf({ 'main.ts': 'export default 1 as number' }));
    await here.service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
    const key = here.compiler.key('main.ts', sha256('export default 1 as number'));
    await until(() => there.client.exists(there.keys.workspaceCompiled(key)), { what: 'shared code' });
    await there.client.del(there.keys.workspaceBlob(sha256('export default 1 as number')));
    const prepared = await there.service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
    expect(prepared).toMatchObject({ ok: true, modules: [{ format: 'module' }] });
  });

  it('are rejected when nothing was ever published', async () => {
    const { service } = open();
    expect(await service.prepare({ entry: { kind: 'module', path: 'main.ts' } })).toMatchObject({
      ok: false,
      generation: null,
      failure: { code: 'MODULE_NOT_FOUND', message: expect.stringContaining('nothing has been published') },
    });
    expect(await service.prepare({ entry: { kind: 'inline', code: 'export default 1' } })).toMatchObject({
      ok: true,
    });
  });

  it('load only what they import of a large workspace', async () => {
    const { publisher, service, rootUrl, store } = open();
    const files = new Map<string, string>();
    for (let index = 0; index < 3_000; index += 1)
      files.set(`bulk/m${index}.ts`, `export const n = ${index};`);
    files.set('main.ts', `import { n } from './bulk/m7'; export default n`);
    await publisher.publish(files);
    const whole = countCalls(store, 'paths');
    const prepared = await service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
    expect(prepared).toMatchObject({ ok: true });
    expect(prepared.ok && prepared.modules).toHaveLength(2);
    expect(whole()).toBe(0);
    expect((await runner.run(prepared, rootUrl)).value).toBe(7);
  });
});

/** Counts calls of a method from now on. */
function countCalls<T extends object>(target: T, name: keyof T & string): () => number {
  const original = target[name] as (...args: unknown[]) => unknown;
  let calls = 0;
  (target as Record<string, unknown>)[name] = (...args: unknown[]) => {
    calls += 1;
    return original.apply(target, args);
  };
  return () => calls;
}

describe('when Redis is killed between upload and switch', () => {
  const own = new TestRedis(true);
  beforeAll(() => own.start());
  afterAll(() => own.dispose());

  it('leaves the old generation current and whole, and the next publish succeeds', async () => {
    const client = own.connect();
    // The default lets Redis answer before a write is in its file, for as long as the disk is busy.
    await client.config('SET', 'appendfsync', 'always');
    const { publisher, store, janitor } = openWorkspace(client, own.connect('impatient'));
    const { generation } = await publisher.publish(filesOf({ 'a.ts': 'old' }));
    let killed = false;
    const failed = await publisher
      .publish(filesOf({ 'a.ts': 'new' }), {
        onProgress: () => {
          process.kill(own.pid, 'SIGKILL');
          killed = true;
        },
      })
      .catch((reason: unknown) => reason);
    expect(killed).toBe(true);
    expect(failed).toBeInstanceOf(Error);
    await own.stop();
    await own.start();
    expect(await store.current()).toBe(generation);
    expect(await store.readFile(generation, 'a.ts')).toBe('old');
    expect((await store.list()).map((record) => record.generation)).toEqual([generation]);
    const next = await publisher.publish(filesOf({ 'a.ts': 'new' }));
    expect(await store.current()).toBe(next.generation);
    expect(await store.readFile(next.generation, 'a.ts')).toBe('new');
    const removed = await janitor.prune({
      keep: 5,
      minimumAgeMs: 0,
      temporaryAgeMs: 0,
      blobGraceSeconds: 100,
    });
    expect(removed.every((number) => number !== generation && number !== next.generation)).toBe(true);
    expect(await store.readFile(next.generation, 'a.ts')).toBe('new');
  });
});
