import { expect, it } from '@jest/globals';
import { touchedByAll, touchedPages } from './touched-memory.js';

const pages = (written: bigint[], read: bigint[] = []) => ({
  written: new Set(written),
  read: new Set(read),
});

it('what all have touched is touched ahead, in ranges', () => {
  const { written } = touchedByAll([pages([1n, 2n, 3n, 9n, 11n]), pages([2n, 3n, 9n, 10n, 11n])]);
  expect(written).toEqual([
    { from: 0x2000n, to: 0x4000n },
    { from: 0x9000n, to: 0xa000n },
    { from: 0xb000n, to: 0xc000n },
  ]);
});

it('of a file one page of those that the kernel shows at once', () => {
  const read = [17n, 18n, 31n, 32n, 50n];
  expect(touchedByAll([pages([], read)]).read).toEqual([
    { from: 17n * 4096n, to: 18n * 4096n },
    { from: 32n * 4096n, to: 33n * 4096n },
    { from: 50n * 4096n, to: 51n * 4096n },
  ]);
});

it('nothing is touched ahead that none has touched', () => {
  expect(touchedByAll([])).toEqual({ written: [], read: [] });
  expect(touchedByAll([pages([1n]), pages([])])).toEqual({ written: [], read: [] });
});

it('finds pages of this process, of files and its own', async () => {
  const { written, read } = await touchedPages(process.pid);
  expect(written.size).toBeGreaterThan(1000);
  expect(read.size).toBeGreaterThan(1000);
  expect([...written].filter((page) => read.has(page))).toEqual([]);
});
