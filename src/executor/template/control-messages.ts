/**
 * What worker and frozen template say to each other: records of 64 bytes, little-endian. The template's side is
 * native/freezer/freezer.h, which has the same layouts.
 */
import type { MemoryRange, TouchedMemory } from './touched-memory.js';

const RECORD_BYTES = 64;
const ASK_FORK = 1;
const ASK_REAP = 2;
const ASK_WRITTEN = 3;
const ASK_READ = 4;
const NO_UID = 0xffff_ffff;
const NO_LIMIT = 0;

export const TOKEN_BYTES = 16;

/** What one child is to be. */
export interface ChildOrder {
  /** User and group of its own; null: those of the template. */
  uid: number | null;
  /** Most processes and threads of its user; null: no limit of ours. */
  maxTasks: number | null;
  openFiles: number;
  /** Size of its scratch folder, where that is in memory. */
  scratchBytes: number;
  /** By which the worker knows its connections, {@link TOKEN_BYTES} long. */
  token: Buffer;
}

/** What a child used, as the kernel counted it. */
export interface ChildUsage {
  userUs: number;
  systemUs: number;
  maxRssKb: number;
  minorFaults: number;
}

/** Process numbers are those that the template sees. */
export type TemplateAnswer =
  | { says: 'frozen'; threads: number; descriptors: number }
  /** A number below 0: the kernel's error. */
  | { says: 'forked'; pid: number }
  | { says: 'ended'; pid: number; exitCode: number | null; signal: number | null; usage: ChildUsage };

/** Asks for a child; it is answered by `forked`, in the order of the requests. */
export function forkRequest({ uid, maxTasks, openFiles, scratchBytes, token }: ChildOrder): Buffer {
  const record = emptyRequest(ASK_FORK);
  record.writeUInt32LE(uid ?? NO_UID, 8);
  record.writeUInt32LE(maxTasks ?? NO_LIMIT, 12);
  record.writeUInt32LE(openFiles, 16);
  record.writeBigUInt64LE(BigInt(scratchBytes), 24);
  token.copy(record, 32, 0, TOKEN_BYTES);
  return record;
}

/** The end of this child is noted: its number may be given to another process. */
export function reapRequest(pid: number): Buffer {
  const record = emptyRequest(ASK_REAP);
  record.writeInt32LE(pid, 20);
  return record;
}

/** What every child of the template is to touch ahead of its execution. */
export const touchRequests = ({ written, read }: TouchedMemory): Buffer =>
  Buffer.concat([
    ...written.map((range) => touchRequest(ASK_WRITTEN, range)),
    ...read.map((range) => touchRequest(ASK_READ, range)),
  ]);

function touchRequest(ask: number, { from, to }: MemoryRange): Buffer {
  const record = emptyRequest(ask);
  record.writeBigUInt64LE(BigInt(from), 48);
  record.writeBigUInt64LE(BigInt(to), 56);
  return record;
}

function emptyRequest(ask: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeUInt32LE(RECORD_BYTES, 0);
  record.writeUInt32LE(ask, 4);
  return record;
}

const NOTHING = Buffer.alloc(0);

/** Cuts what a template says into answers. */
export class AnswerReader {
  private pending: Buffer = NOTHING;

  /** @throws Error for an answer of a kind that there is not: the template is not what we started. */
  push(chunk: Buffer): TemplateAnswer[] {
    const answers: TemplateAnswer[] = [];
    let rest = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (; rest.length >= RECORD_BYTES; rest = rest.subarray(RECORD_BYTES)) answers.push(answerIn(rest));
    this.pending = rest.length === 0 ? NOTHING : Buffer.from(rest);
    return answers;
  }
}

const SAYS_FROZEN = 1;
const SAYS_FORKED = 2;
const SAYS_ENDED = 3;
const CLD_EXITED = 1;

function answerIn(record: Buffer): TemplateAnswer {
  const says = record.readUInt32LE(0);
  const pid = record.readInt32LE(4);
  const code = record.readInt32LE(8);
  const status = record.readInt32LE(12);
  const count = (at: number): number => Number(record.readBigUInt64LE(at));
  switch (says) {
    case SAYS_FROZEN:
      return { says: 'frozen', threads: code, descriptors: status };
    case SAYS_FORKED:
      return { says: 'forked', pid };
    case SAYS_ENDED: {
      const exited = code === CLD_EXITED;
      const usage = { userUs: count(16), systemUs: count(24), maxRssKb: count(32), minorFaults: count(40) };
      return { says: 'ended', pid, exitCode: exited ? status : null, signal: exited ? null : status, usage };
    }
    default:
      throw new Error(`an answer of the unknown kind ${says}`);
  }
}
