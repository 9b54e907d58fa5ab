import { expect, it } from '@jest/globals';
import { touchedByAll, touchedPages } from './touched-memory.js';

const pages = (written: number[], read: number[] = []) => ({
  written: new Set(written),
  read: new Set(read),
});

it('what all have touched is touched ahead, in ranges', () => {
  const { written } = touchedByAll([pages([1, 2, 3, 9, 11]), pages([2, 3, 9, 10, 11])]);
  expect(written).toEqual([
    { from: 0x2000, to: 0x4000 },
    { from: 0x9000, to: 0xa000 },
    { from: 0xb000, to: 0xc000 },
  ]);
});

it('of a file one page of those that the kernel shows at once', () => {
  const read = [17, 18, 31, 32, 50];
  expect(touchedByAll([pages([], read)]).read).toEqual([
    { from: 17 * 4096, to: 18 * 4096 },
    { from: 32 * 4096, to: 33 * 4096 },
    { from: 50 * 4096, to: 51 * 4096 },
  ]);
});

it('nothing is touched ahead that none has touched', () => {
  expect(touchedByAll([])).toEqual({ written: [], read: [] });
  expect(touchedByAll([pages([1]), pages([])])).toEqual({ written: [], read: [] });
});

it('finds pages of this process, of files and its own', async () => {
  const { written, read } = await touchedPages(process.pid);
  expect(written.size).toBeGreaterThan(1000);
  expect(read.size).toBeGreaterThan(1000);
  expect([...written].filter((page) => read.has(page))).toEqual([]);
});
