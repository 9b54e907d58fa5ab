import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { removeDir, RuntimeDir } from './runtime-dir.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'bifrost-test-parent-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const folderOf = async (pid: number): Promise<string> => {
  const path = join(parent, `bifrost-runtime-${pid}-abc123`);
  await mkdir(join(path, 'scratch', 's-1'), { recursive: true });
  return path;
};
/** Of a process that was there and is gone. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('RuntimeDir', () => {
  it('gives scratch folders that are empty and never the same', async () => {
    const dir = await RuntimeDir.create(parent);
    const scratches = await Promise.all(Array.from({ length: 10 }, () => dir.createScratch()));
    expect(new Set(scratches).size).toBe(10);
    for (const scratch of scratches) {
      expect(scratch.startsWith(dir.path)).toBe(true);
      expect(readdirSync(scratch)).toEqual([]);
    }
    await dir.remove();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('removes what dead workers left', async () => {
    const left = await folderOf(deadPid());
    const dir = await RuntimeDir.create(parent);
    expect(readdirSync(parent)).toEqual([basename(dir.path)]);
    expect(existsSync(left)).toBe(false);
  });

  it('removes what a worker of the same pid left in an earlier container', async () => {
    const left = await folderOf(process.pid);
    await RuntimeDir.create(parent);
    expect(existsSync(left)).toBe(false);
  });

  it('leaves alone what is not its own or still in use', async () => {
    const living = await folderOf(process.ppid);
    const first = await RuntimeDir.create(parent);
    await mkdir(join(parent, 'bifrost-runtime-notes'));
    await mkdir(join(parent, 'something-else'));
    const second = await RuntimeDir.create(parent);
    expect(readdirSync(parent).toSorted()).toEqual(
      [living, first.path, second.path, 'bifrost-runtime-notes', 'something-else']
        .map((path) => basename(path))
        .toSorted(),
    );
  });
});

describe('folders that one process makes at the same time', () => {
  // The pool of runners and that of compilers have one each, and are opened together.
  it('do not take each other for those of a dead worker', async () => {
    const missing: string[] = [];
    const makeSome = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const { path } = await RuntimeDir.create(parent);
        await writeFile(join(path, 'in-use'), '').catch(() => missing.push(path));
      }
    };
    await Promise.all(Array.from({ length: 8 }, makeSome));
    expect(missing).toEqual([]);
  });
});

describe('removeDir', () => {
  /** Root may remove anything: what is promised to the others is tested as one of them. */
  async function asUnprivilegedUser(act: () => Promise<void>): Promise<void> {
    if (process.getuid?.() !== 0) return act();
    await chmod(parent, 0o777);
    process.seteuid?.(65_534);
    try {
      await act();
    } finally {
      process.seteuid?.(0);
    }
  }

  it.each([
    ['0500', 0o500],
    ['0000', 0o000],
  ] as const)('removes folders with the mode %s, as user code may leave them', (_, mode) =>
    asUnprivilegedUser(async () => {
      const dir = join(parent, 'scratch');
      await mkdir(join(dir, 'a', 'b'), { recursive: true });
      await writeFile(join(dir, 'a', 'b', 'file'), 'x', { mode: 0o400 });
      for (const path of [join(dir, 'a', 'b'), join(dir, 'a'), dir]) await chmod(path, mode);
      await removeDir(dir);
      expect(existsSync(dir)).toBe(false);
    }),
  );

  it('touches nothing that a link leads to', async () => {
    const outside = join(parent, 'outside');
    await mkdir(outside, { mode: 0o500 });
    const dir = join(parent, 'scratch');
    await mkdir(dir);
    await symlink(outside, join(dir, 'link'));
    await chmod(dir, 0o500);
    await removeDir(dir);
    expect(existsSync(dir)).toBe(false);
    expect(statSync(outside).mode & 0o777).toBe(0o500);
  });

  it('takes a folder that is not there', async () => {
    await expect(removeDir(join(parent, 'absent'))).resolves.toBeUndefined();
  });
});
