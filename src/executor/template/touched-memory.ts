import { type FileHandle, open, readFile } from 'node:fs/promises';

/** Addresses, from the first byte to the first after the last. */
export interface MemoryRange {
  from: bigint;
  to: bigint;
}

/** Numbers of pages of memory that a process has used. */
export interface TouchedPages {
  /** It wrote to them: they are its own. */
  written: ReadonlySet<bigint>;
  /** They are of files, and in its table of pages. */
  read: ReadonlySet<bigint>;
}

/** What is touched ahead. */
export interface TouchedMemory {
  written: readonly MemoryRange[];
  read: readonly MemoryRange[];
}

const PAGE_BYTES = 4096n;
const ENTRY_BYTES = 8;
/** Reservations aside, nothing of Node is larger. */
const MAX_PAGES = 65_536n;
/** Of a file the kernel shows the pages around one that is read with it: fault_around_bytes, 64 KiB. */
const PAGES_AROUND = 16n;

/** /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst): 64 bits for each page. */
const PRESENT = 1n << 63n;
const OF_FILE = 1n << 61n;
/** No other process has it: neither the template nor another child. */
const EXCLUSIVE = 1n << 56n;

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
    const written = new Set<bigint>();
    const read = new Set<bigint>();
    for (const [, from, to] of maps.matchAll(MAPPING)) {
      const first = BigInt(`0x${from}`) / PAGE_BYTES;
      const entries = await entriesOf(pagemap, first, BigInt(`0x${to}`) / PAGE_BYTES - first);
      for (const [index, entry] of entries.entries()) {
        if ((entry & PRESENT) === 0n) continue;
        if ((entry & OF_FILE) !== 0n) read.add(first + BigInt(index));
        else if ((entry & EXCLUSIVE) !== 0n) written.add(first + BigInt(index));
      }
    }
    return { written, read };
  } finally {
    await pagemap.close();
  }
}

async function entriesOf(pagemap: FileHandle, first: bigint, count: bigint): Promise<BigUint64Array> {
  if (count > MAX_PAGES) return new BigUint64Array();
  const entries = new BigUint64Array(Number(count));
  const bytes = new Uint8Array(entries.buffer);
  const { bytesRead } = await pagemap.read(bytes, 0, bytes.length, first * BigInt(ENTRY_BYTES));
  return entries.subarray(0, Math.floor(bytesRead / ENTRY_BYTES));
}

/** What each of several processes has touched: so will the next of their kind. */
export function touchedByAll(processes: readonly TouchedPages[]): TouchedMemory {
  const inAll = (pages: (of: TouchedPages) => ReadonlySet<bigint>): bigint[] => {
    const [first, ...others] = processes.map(pages);
    return [...(first ?? [])].filter((page) => others.every((other) => other.has(page)));
  };
  return { written: rangesOf(inAll(({ written }) => written)), read: oneAround(inAll(({ read }) => read)) };
}

/** Of pages in their order; those that follow each other are one range. */
function rangesOf(pages: readonly bigint[]): MemoryRange[] {
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
function oneAround(pages: readonly bigint[]): MemoryRange[] {
  const groups = new Set<bigint>();
  const chosen = pages.filter((page) => {
    const group = page / PAGES_AROUND;
    const isFirst = !groups.has(group);
    groups.add(group);
    return isFirst;
  });
  return chosen.map((page) => ({ from: page * PAGE_BYTES, to: (page + 1n) * PAGE_BYTES }));
}
