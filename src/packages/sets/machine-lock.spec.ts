import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock, tryLock } from './machine-lock.js';
import { ownIdentity } from './process-identity.js';

let root = '';
const path = () => join(root, 'lock');
const never = new AbortController().signal;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bifrost-lock-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('a machine lock', () => {
  it('lets one in at a time, and leaves no file', async () => {
    const first = await acquireLock(path(), never);
    expect(await tryLock(path())).toBeNull();
    const second = acquireLock(path(), never);
    await first.release();
    await first.release();
    await (await second).release();
    expect(await readdir(root)).toEqual([]);
  });

  it('stops waiting when its signal aborts', async () => {
    const first = await acquireLock(path(), never);
    const stop = new AbortController();
    const second = acquireLock(path(), stop.signal);
    stop.abort();
    await expect(second).rejects.toThrow(/abort/i);
    await first.release();
  });

  it.each([
    ['of a process that is gone', { ...ownIdentity(), pid: 2 ** 22 + 1 }],
    ['whose pid was given to another process', { ...ownIdentity(), started: '1' }],
  ])('takes over a lock %s', async (_, owner) => {
    await writeFile(path(), JSON.stringify(owner));
    const lock = await tryLock(path());
    expect(lock).not.toBeNull();
    await lock?.release();
  });

  it('believes a lock of another container while it is touched, and not for ever', async () => {
    await writeFile(path(), JSON.stringify({ pid: 1, started: '1', space: 'elsewhere' }));
    expect(await tryLock(path())).toBeNull();
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(path(), longAgo, longAgo);
    expect(await tryLock(path())).not.toBeNull();
  });

  it('lets exactly one of many in', async () => {
    const locks = await Promise.all(Array.from({ length: 20 }, () => tryLock(path())));
    expect(locks.filter((lock) => lock !== null)).toHaveLength(1);
  });
});
