import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/**
 * Names one process for as long as the machine is up: a pid alone is soon reused.
 * `space` names the pid namespace: containers that share a folder do not share pids.
 */
export const processIdentitySchema = z.object({ pid: z.number(), started: z.string(), space: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** A process of another container is believed as long as its mark was touched within this time. */
const FOREIGN_TRUST_MS = 60_000;

const readOr = <T>(read: () => T, fallback: T): T => {
  try {
    return read();
  } catch {
    return fallback;
  }
};

/** Start time of a process in clock ticks since boot; empty where /proc does not show it, null when the process is gone. */
function startOf(pid: number): string | null {
  const alive =
    readOr(() => process.kill(pid, 0), false) ||
    readOr(() => readFileSync(`/proc/${pid}/stat`).length > 0, false);
  if (!alive) return null;
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), '');
  // The name in parentheses may hold anything; the fields after it are numbers. 3rd field: state, 22nd: start.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return fields[19] ?? '';
}

const SPACE = `${hostname()} ${readOr(() => readlinkSync('/proc/self/ns/pid'), '')}`;

/** This process. */
export const ownIdentity = (): ProcessIdentity => ({
  pid: process.pid,
  started: startOf(process.pid) ?? '',
  space: SPACE,
});

/**
 * Whether the process that left a mark still runs. In our own pid space the answer is exact; for a mark of
 * another container only the age of its last touch is known.
 */
export function isAlive(identity: ProcessIdentity, touchedMs: number, nowMs: number): boolean {
  if (identity.space !== SPACE) return nowMs - touchedMs < FOREIGN_TRUST_MS;
  return startOf(identity.pid) === identity.started;
}
