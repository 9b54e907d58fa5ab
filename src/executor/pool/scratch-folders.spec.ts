import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '../kinds/registry.js';
import type { RunnerProcess } from '../process/runner-process.js';
import { ScratchFolders } from './scratch-folders.js';

let scratch: string;
let unfit: string[];
let folders: ScratchFolders;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'bifrost-scratch-'));
  unfit = [];
  folders = new ScratchFolders();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const runner = (kind: 'process' | 'thread'): RunnerProcess =>
  ({
    kind: KINDS[kind],
    place: { scratch, onDisk: true },
    markUnfit: (why: string) => unfit.push(why),
  }) as unknown as RunnerProcess;
/** Longer than the clock of a file system may stand still. */
const later = (): Promise<void> => sleep(60);

describe('the folder of a process', () => {
  it('is emptied after each execution, also when its times were set back', async () => {
    const process = runner('process');
    for (let round = 0; round < 4; round += 1) {
      expect(folders.open(process)).toBe(scratch);
      const { atime, mtime } = { atime: new Date(0), mtime: new Date(0) };
      writeFileSync(join(scratch, 'left'), 'x');
      utimesSync(scratch, atime, mtime);
      await folders.clear(process, scratch);
      expect(readdirSync(scratch)).toEqual([]);
      await later();
      // Nothing was left: no turn of the event loop is needed to see that.
      expect(folders.isUntouched(process, scratch)).toBe(false);
      expect(folders.clear(process, scratch)).toBeNull();
      // It was seen empty, long after its last change.
      expect(folders.isUntouched(process, scratch)).toBe(true);
      expect(folders.clear(process, scratch)).toBeNull();
    }
    expect(unfit).toEqual([]);
  });

  it('makes its runner unfit when it is gone', () => {
    rmSync(scratch, { recursive: true });
    expect(folders.isUntouched(runner('process'), scratch)).toBe(false);
    expect(folders.clear(runner('process'), scratch)).toBeNull();
    expect(unfit).toEqual(['files']);
  });
});

describe('the folders of threads', () => {
  it('are one for each, and are used again only when they are as new', async () => {
    const host = runner('thread');
    const [first, second] = [folders.open(host), folders.open(host)];
    expect(first).not.toBe(second);
    expect(folders.clear(host, first)).toBeNull();
    expect(folders.open(host)).toBe(first);
    await later();
    expect(folders.clear(host, first)).toBeNull();
    expect([folders.open(host), folders.isUntouched(host, first)]).toEqual([first, true]);
    // The next execution has it without another look at what is in it.
    folders.reuse(host, first);
    expect(folders.open(host)).toBe(first);
    writeFileSync(join(first, 'left'), 'x');
    await folders.clear(host, first);
    chmodSync(second, 0o777);
    await folders.clear(host, second);
    expect([existsSync(first), existsSync(second), unfit]).toEqual([false, false, []]);
    const third = folders.open(host);
    rmSync(third, { recursive: true });
    await folders.clear(host, third);
    expect(unfit).toEqual([]);
    expect(existsSync(folders.open(host))).toBe(true);
  });
});
