import { describe, expect, it } from '@jest/globals';
import { AnswerReader, forkRequest, reapRequest, touchRequests } from './control-messages.js';

/** An answer as native/freezer/freezer.h lays it out. */
function answer(
  says: number,
  [pid, code, status]: readonly [number, number, number],
  counts: number[] = [],
): Buffer {
  const record = Buffer.alloc(64);
  record.writeUInt32LE(says, 0);
  record.writeInt32LE(pid, 4);
  record.writeInt32LE(code, 8);
  record.writeInt32LE(status, 12);
  for (const [index, count] of counts.entries()) record.writeBigUInt64LE(BigInt(count), 16 + 8 * index);
  return record;
}

describe('what worker and template say to each other', () => {
  it('is laid out as the native piece reads it', () => {
    const token = Buffer.from(Array.from({ length: 16 }, (_, index) => index + 1));
    const fork = forkRequest({ uid: 70_001, maxTasks: 64, openFiles: 1024, scratchBytes: 2 ** 33, token });
    expect(fork).toHaveLength(64);
    expect([0, 4, 8, 12, 16].map((at) => fork.readUInt32LE(at))).toEqual([64, 1, 70_001, 64, 1024]);
    expect(fork.readBigUInt64LE(24)).toBe(2n ** 33n);
    expect(fork.subarray(32, 48).equals(token)).toBe(true);
    const same = forkRequest({ uid: null, maxTasks: null, openFiles: 64, scratchBytes: 1, token });
    expect([same.readUInt32LE(8), same.readUInt32LE(12)]).toEqual([0xffff_ffff, 0]);
    const reap = reapRequest(12);
    expect([reap.length, reap.readUInt32LE(0), reap.readUInt32LE(4), reap.readInt32LE(20)]).toEqual([
      64, 64, 2, 12,
    ]);
    const written = [{ from: 0x7f00_0000_1000, to: 0x7f00_0000_3000 }];
    const touch = touchRequests({ written, read: [{ from: 0x1000, to: 0x2000 }] });
    expect(touch).toHaveLength(128);
    expect([0, 4, 64, 68].map((at) => touch.readUInt32LE(at))).toEqual([64, 3, 64, 4]);
    expect([48, 56, 112, 120].map((at) => touch.readBigUInt64LE(at))).toEqual([
      0x7f00_0000_1000n,
      0x7f00_0000_3000n,
      0x1000n,
      0x2000n,
    ]);
  });

  it('is read however it is cut', () => {
    const all = Buffer.concat([
      answer(1, [0, 3, 22]),
      answer(2, [6, 0, 0]),
      answer(2, [-11, 0, 0]),
      answer(3, [6, 1, 7], [1500, 2500, 28_000, 550]),
      answer(3, [8, 2, 9]),
    ]);
    const expected = [
      { says: 'frozen', threads: 3, descriptors: 22 },
      { says: 'forked', pid: 6 },
      { says: 'forked', pid: -11 },
      {
        says: 'ended',
        pid: 6,
        exitCode: 7,
        signal: null,
        usage: { userUs: 1500, systemUs: 2500, maxRssKb: 28_000, minorFaults: 550 },
      },
      { says: 'ended', pid: 8, exitCode: null, signal: 9, usage: expect.anything() },
    ];
    for (const size of [1, 7, 63, 64, 65, 200, all.length]) {
      const reader = new AnswerReader();
      const seen = [];
      for (let at = 0; at < all.length; at += size) seen.push(...reader.push(all.subarray(at, at + size)));
      expect(seen).toEqual(expected);
    }
  });

  it('of another kind is refused', () => {
    expect(() => new AnswerReader().push(answer(9, [0, 0, 0]))).toThrow('unknown kind 9');
  });
});
