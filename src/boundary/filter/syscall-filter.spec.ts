import { describe, expect, it } from '@jest/globals';
import { AUDIT_ARCH, type FilterArch, type SyscallName, syscallNumber } from './syscall-numbers.js';
import { bootFilter, sealedFilter } from './syscall-filter.js';

const EPERM = 1;
const ENOSYS = 38;
const OWN_PID = 7;
const ARCHES: FilterArch[] = ['x64', 'arm64'];

/** What the kernel answers: null: it carries the call out; otherwise the error number, 0 of which is success. */
type Answer = number | null | 'killed';

/** Runs the program as the kernel does (Documentation/networking/filter.rst), for the instructions that are used. */
function run(program: Buffer, audit: number, number: number, args: readonly bigint[]): Answer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  args.forEach((arg, index) => data.writeBigUInt64LE(BigInt.asUintN(64, arg), 16 + 8 * index));
  let word = 0;
  for (let at = 0; at < program.length; at += 8) {
    const constant = program.readUInt32LE(at + 4);
    const jump = (holds: boolean): number => program.readUInt8(at + (holds ? 2 : 3)) * 8;
    switch (program.readUInt16LE(at)) {
      case 0x20:
        word = data.readUInt32LE(constant);
        break;
      case 0x15:
        at += jump(word === constant);
        break;
      case 0x25:
        at += jump(word > constant);
        break;
      case 0x45:
        at += jump((word & constant) !== 0);
        break;
      case 0x06:
        if (constant === 0x7fff0000) return null;
        return constant === 0x80000000 ? 'killed' : constant & 0xffff;
      default:
        throw new Error(`an instruction that this test does not know: ${program.readUInt16LE(at)}`);
    }
  }
  throw new Error('the program does not end with a return');
}

/** The answer to a call, the same on both architectures; a call that an architecture does not have is left out. */
function answerTo(
  name: SyscallName,
  args: readonly (number | bigint)[],
  { sharedUser = false, recordLocks = false } = {},
): Answer | Answer[] {
  const answers = ARCHES.flatMap((arch) => {
    const number = syscallNumber(name, arch);
    if (number === null) return [];
    const filter = sealedFilter(arch, { ownPid: OWN_PID, sockets: 'none', sharedUser, recordLocks });
    return [run(filter, AUDIT_ARCH[arch], number, args.map(BigInt))];
  });
  const [first = null] = answers;
  return answers.every((answer) => answer === first) ? first : answers;
}

describe('a sealed filter of native code', () => {
  it.each<[SyscallName, string, number[], Answer]>([
    ['fcntl', 'F_GETLK', [3, 5, 0], null],
    ['fcntl', 'F_SETLK', [3, 6, 0], null],
    ['fcntl', 'F_SETLKW', [3, 7, 0], null],
    ['fcntl', 'F_SETOWN', [3, 8, 99], EPERM],
    ['fcntl', 'F_SETLEASE', [3, 1024, 0], EPERM],
    ['fcntl', 'F_OFD_SETLK', [3, 37, 0], EPERM],
    ['flock', 'on a file that is open for reading', [3, 2], EPERM],
  ])('of %s: %s', (name, _, args, answer) => {
    expect(answerTo(name, args, { recordLocks: true })).toBe(answer);
  });
});

describe('a sealed filter', () => {
  it.each<[SyscallName, string, (number | bigint)[], Answer]>([
    ['fcntl', 'F_SETOWN', [3, 8, 99], EPERM],
    ['fcntl', 'F_SETSIG', [3, 10, 9], EPERM],
    ['fcntl', 'F_SETOWN_EX', [3, 15, 0], EPERM],
    ['fcntl', 'F_SETLEASE', [3, 1024, 0], EPERM],
    ['fcntl', 'F_NOTIFY', [3, 1026, 0], EPERM],
    ['fcntl', 'F_OFD_SETLK', [3, 37, 0], EPERM],
    ['fcntl', 'F_SETLK', [3, 6, 0], EPERM],
    ['fcntl', 'F_SETLKW', [3, 7, 0], EPERM],
    // The kernel reads an int: what lies above it hides nothing.
    ['fcntl', 'F_SETOWN with more bits above', [3, 0x1_0000_0008n, 99], EPERM],
    ['fcntl', 'F_SETFL O_ASYNC', [3, 4, 0o20000 | 0o4000], EPERM],
    ['fcntl', 'F_SETFL O_NONBLOCK', [3, 4, 0o4000], null],
    ['fcntl', 'F_GETFL', [3, 3], null],
    ['fcntl', 'F_DUPFD_CLOEXEC', [3, 1030, 10], null],
    ['ioctl', 'FIOSETOWN', [3, 0x8901, 0], EPERM],
    ['ioctl', 'SIOCSPGRP', [3, 0x8902, 0], EPERM],
    ['ioctl', 'FIOASYNC', [3, 0x5452, 0], EPERM],
    ['ioctl', 'TIOCSTI', [0, 0x5412, 0], EPERM],
    ['ioctl', 'FS_IOC_SETFLAGS', [3, 0x40086602, 0], EPERM],
    ['ioctl', 'FS_IOC_FSSETXATTR', [3, 0x401c5820, 0], EPERM],
    ['ioctl', 'FS_IOC_ENABLE_VERITY', [3, 0x40806685, 0], EPERM],
    ['ioctl', 'FIOSETOWN with more bits above', [3, 0xffff_ffff_0000_8901n, 0], EPERM],
    ['ioctl', 'FIONBIO', [3, 0x5421, 0], null],
    ['ioctl', 'TCGETS', [1, 0x5401, 0], null],
    ['ioctl', 'FICLONE', [3, 0x40049409, 4], null],
    ['openat', 'for reading', [-100, 1, 0o2000000], null],
    ['openat', 'for writing, truncated', [-100, 1, 0o1 | 0o1100], null],
    ['openat', 'for both, truncated', [-100, 1, 0o2 | 0o1100], null],
    ['openat', 'for reading, truncated', [-100, 1, 0o1000], EPERM],
    ['openat', 'for neither', [-100, 1, 0o3], EPERM],
    ['open', 'for neither', [1, 0o3], EPERM],
    ['open', 'for reading', [1, 0], null],
    ['openat2', 'anything', [-100, 1, 2, 24], ENOSYS],
    ['vmsplice', 'anything', [4, 1, 1, 8], EPERM],
    ['truncate', 'by path', [1, 0], EPERM],
    ['setxattr', 'anything', [1, 1, 1, 1, 0], EPERM],
    ['fremovexattr', 'anything', [3, 1], EPERM],
    ['kill', 'itself', [OWN_PID, 15], null],
    ['kill', 'another', [OWN_PID + 1, 15], EPERM],
  ])('answers %s (%s) %j', (name, _what, args, answer) => {
    expect([answerTo(name, args), answerTo(name, args, { sharedUser: true })]).toEqual([answer, answer]);
  });

  const METADATA: [SyscallName, (number | bigint)[], Answer][] = [
    ['chmod', [1, 0o777], EPERM],
    ['fchmodat', [-100, 1, 0o777], EPERM],
    ['fchmodat2', [3, 1, 0o777, 0x1000], EPERM],
    ['chown', [1, 0, 0], EPERM],
    ['lchown', [1, 0, 0], EPERM],
    ['fchown', [3, 0, 0], EPERM],
    ['fchownat', [-100, 1, 0, 0, 0], EPERM],
    ['utime', [1, 0], EPERM],
    ['utimes', [1, 0], EPERM],
    ['futimesat', [-100, 1, 0], EPERM],
    ['utimensat', [-100, 1, 0, 0], EPERM],
    // A pointer whose lower half is zero is a path.
    ['utimensat', [-100, 0x1_0000_0000n, 0, 0], EPERM],
    ['inotify_add_watch', [3, 1, 0xfff], EPERM],
    // What fs.copyFile does at its end: without effect.
    ['fchmod', [3, 0o777], 0],
    ['utimensat', [3, 0, 0, 0], 0],
  ];
  it.each(METADATA)('of a runner with its worker’s user answers %s%j with %j', (name, args, answer) => {
    expect(answerTo(name, args, { sharedUser: true })).toBe(answer);
  });
  it.each(METADATA)('of a runner with a user of its own leaves %s%j to the kernel', (name, args) => {
    expect(answerTo(name, args)).toBeNull();
  });
});

describe.each(ARCHES)('on %s', (arch) => {
  const audit = AUDIT_ARCH[arch];
  const sealed = sealedFilter(arch, {
    ownPid: OWN_PID,
    sockets: 'internet',
    sharedUser: true,
    recordLocks: false,
  });
  const EXECVE = syscallNumber('execve', arch) as number;

  it('what is newer than the tables does not exist', () => {
    // setxattrat, file_setattr, and the numbers of the x32 ABI.
    expect([463, 469, 0x4000_0000].map((number) => run(sealed, audit, number, []))).toEqual([
      ENOSYS,
      ENOSYS,
      ENOSYS,
    ]);
  });

  it('calls of another architecture kill', () => {
    expect(run(sealed, 0x40000003, 11, [])).toBe('killed');
  });

  it('a runner that boots may still execute Node', () => {
    expect([run(bootFilter(arch), audit, EXECVE, []), run(sealed, audit, EXECVE, [])]).toEqual([null, EPERM]);
  });

  it('fits into what the kernel takes', () => {
    expect(sealed.length / 8).toBeLessThanOrEqual(4096);
  });
});
