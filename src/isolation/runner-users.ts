import { readFileSync } from 'node:fs';

/** Above what distributions, containers and directory services give away: 256 for each process id. */
const HIGH = { first: 0x4000_0000, last: 0x7fff_ffff };
/** Where a container maps 65,536 users only: below its last ones and above its people and services. */
const LOW = { first: 32_768, last: 59_999 };
const PER_WORKER = 256;

/**
 * Numbers of users without another purpose, one for each runner at a time. Two workers of one machine have
 * different ones, since they have different process ids.
 */
export class RunnerUsers {
  /** Those of this process: runners and compilers must not get the same. */
  static readonly ofWorker = new RunnerUsers();

  private readonly taken = new Set<number>();
  private readonly base: number;
  private readonly range: typeof HIGH;

  constructor(workerPid = process.pid, uidMap = readUidMap()) {
    this.range = mapsAll(uidMap, HIGH) ? HIGH : LOW;
    this.base = workerPid * PER_WORKER;
  }

  take(): number {
    const { first, last } = this.range;
    for (let slot = 0; ; slot++) {
      const uid = first + ((this.base + slot) % (last - first + 1));
      if (this.taken.has(uid)) continue;
      this.taken.add(uid);
      return uid;
    }
  }

  giveBack(uid: number): void {
    this.taken.delete(uid);
  }
}

/** Each line of a uid_map: first number inside, first number outside, count. */
function mapsAll(uidMap: string, { first, last }: typeof HIGH): boolean {
  return uidMap.split('\n').some((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);
    return inside !== undefined && count !== undefined && inside <= first && last < inside + count;
  });
}

function readUidMap(): string {
  try {
    return readFileSync('/proc/self/uid_map', 'utf8');
  } catch {
    return '';
  }
}
