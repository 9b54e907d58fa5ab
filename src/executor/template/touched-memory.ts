import { type FileHandle, open, readFile } from 'node:fs/promises';

/** Addresses, from the first byte to the first after the last. */
export interface MemoryRange {
  from: number;
  to: number;
}

/** Numbers of pages of memory that a process has used. */
export interface TouchedPages {
  /** It wrote to them: they are its own. */
  written: ReadonlySet<number>;
  /** They are of files, and in its table of pages. */
  read: ReadonlySet<number>;
}

/** What is touched ahead. */
export interface TouchedMemory {
  written: readonly MemoryRange[];
  read: readonly MemoryRange[];
}

const PAGE_BYTES = 4096;
/** Reservations aside, nothing of Node is larger. */
const MAX_PAGES = 65_536;
/** Of a file the kernel shows the pages around one that is read with it: fault_around_bytes, 64 KiB. */
const PAGES_AROUND = 16;

/** /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst) has 64 bits for each page; these are of the upper 32. */
const ENTRY_BYTES = 8;
const PRESENT = 2 ** 31;
const OF_FILE = 2 ** 29;
/** No other process has it: neither the template nor another child. */
const EXCLUSIVE = 2 ** 24;

/** `from-to rwxp offset device inode path`; private memory alone. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (r[w-][x-])p /gm;

/**
 * What a process that was forked has touched so far.
 * @throws what the kernel says, where it does not show the memory of this process.
 */
export async function touchedPages(pid: number): Promise<TouchedPages> {
  const maps = await readFile(`/proc/${pid}/maps`, 'latin1');
  const pagemap = await open(`/proc/${pid}/pagemap`);
  try {
    const written = new Set<number>();
    const read = new Set<number>();
    for (const [, from, to] of maps.matchAll(MAPPING)) {
      const first = pageOf(from);
      const entries = await entriesOf(pagemap, first, pageOf(to) - first);
      for (let index = 0; 2 * index + 1 < entries.length; index++) {
        const upper = entries[2 * index + 1] as number;
        if ((upper & PRESENT) === 0) continue;
        if ((upper & OF_FILE) !== 0) read.add(first + index);
        else if ((upper & EXCLUSIVE) !== 0) written.add(first + index);
      }
    }
    return { written, read };
  } finally {
    await pagemap.close();
  }
}

/** Of an address in hex. */
const pageOf = (address: string | undefined): number => Number(`0x${address}`) / PAGE_BYTES;

/** Two numbers for each page: the lower and the upper bits of its entry. */
async function entriesOf(pagemap: FileHandle, first: number, count: number): Promise<Uint32Array> {
  if (count > MAX_PAGES) return new Uint32Array();
  const bytes = new Uint8Array(count * ENTRY_BYTES);
  const { bytesRead } = await pagemap.read(bytes, 0, bytes.length, first * ENTRY_BYTES);
  return new Uint32Array(bytes.buffer, 0, 2 * Math.floor(bytesRead / ENTRY_BYTES));
}

/** What each of several processes has touched: so will the next of their kind. */
export function touchedByAll(processes: readonly TouchedPages[]): TouchedMemory {
  const inAll = (pages: (of: TouchedPages) => ReadonlySet<number>): number[] => {
    const [first, ...others] = processes.map(pages);
    return [...(first ?? [])].filter((page) => others.every((other) => other.has(page)));
  };
  return { written: rangesOf(inAll(({ written }) => written)), read: oneAround(inAll(({ read }) => read)) };
}

/** Of pages in their order; those that follow each other are one range. */
function rangesOf(pages: readonly number[]): MemoryRange[] {
  const ranges: MemoryRange[] = [];
  for (const page of pages) {
    const from = page * PAGE_BYTES;
    const last = ranges.at(-1);
    if (last?.to === from) last.to += PAGE_BYTES;
    else ranges.push({ from, to: from + PAGE_BYTES });
  }
  return ranges;
}

/** One page of each group that the kernel shows at once. */
function oneAround(pages: readonly number[]): MemoryRange[] {
  const groups = new Set<number>();
  const chosen = pages.filter((page) => {
    const group = Math.floor(page / PAGES_AROUND);
    const isFirst = !groups.has(group);
    groups.add(group);
    return isFirst;
  });
  return chosen.map((page) => ({ from: page * PAGE_BYTES, to: (page + 1) * PAGE_BYTES }));
}
