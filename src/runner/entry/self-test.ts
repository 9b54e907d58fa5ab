import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { arch, constants } from 'node:os';
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { NETWORK_FD } from '../../boundary/network-protocol.js';
import { CHANNEL_FD, COMMAND_FD } from '../../boundary/runner-protocol.js';
import { connect, type IpcNetConnectOpts, Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  ATTACK_NAMES,
  type AttackName,
  type Finding,
  type Findings,
  type SelfTestTargets,
} from '../../boundary/self-test.js';
import type { FilterArch, SyscallName } from '../../boundary/filter/syscall-numbers.js';
import { syscallNumber } from '../../boundary/filter/syscall-numbers.js';
import { Kernel } from '../confine/kernel.js';

const CONNECT_TIMEOUT_MS = 500;
const F_SETOWN = 8;
const F_SETSIG = 10;
const F_SETOWN_EX = 15;
/** F_OWNER_PID */
const OWNER_PROCESS = 1;
const CANARY_MODE = 0o644;
/** Of a runner: standard ones and those of the protocol. */
const OWN_FDS: ReadonlySet<number> = new Set([0, 1, 2, CHANNEL_FD, COMMAND_FD, NETWORK_FD]);
/** As many descriptors as most machines let a process have at the start. */
const MOST_FDS = 1024;
/** Major number 1 of Linux, in the upper byte. */
const HARMLESS_DEVICES: ReadonlySet<number> = new Set([0x103, 0x105, 0x108, 0x109]);
/** Of what it starts; long enough to be found, short enough to be gone if nothing kills it. */
const SURVIVE_MS = 20_000;

/**
 * The worker's attack on itself: what it runs in a runner as if it were user code. Tries everything and
 * reports how it went; the worker decides whether something was reached.
 */
export default async function attackWorker(targets: SelfTestTargets): Promise<Findings> {
  const findings = ATTACK_NAMES.map(async (name) => [name, await runAttack(ATTACKS[name], targets)] as const);
  return Object.fromEntries(await Promise.all(findings)) as Findings;
}

type Attack = (targets: SelfTestTargets) => string[] | Promise<string[]>;

const ATTACKS: Readonly<Record<AttackName, Attack>> = {
  'worker-environment': ({ workerPid }) =>
    each([workerPid, process.ppid, ...visiblePids()], (pid) => digestOf(`/proc/${pid}/environ`)),
  'worker-memory': ({ workerPid, memory }) => (memory ? [readMemory(workerPid, memory)] : []),
  processes: ({ workerPid }) => [readFileSync(`/proc/${workerPid}/stat`, 'latin1')],
  signals: ({ workerPid }) =>
    each([workerPid, process.ppid], (pid) => (process.kill(pid, 'SIGCONT') ? String(pid) : '')),
  'descriptor-signals': ({ workerPid }) => {
    const owner = Buffer.alloc(8);
    owner.writeInt32LE(OWNER_PROCESS, 0);
    owner.writeInt32LE(workerPid, 4);
    return callEach([
      ['F_SETOWN', 'fcntl', [0, F_SETOWN, workerPid]],
      ['F_SETOWN_EX', 'fcntl', [0, F_SETOWN_EX, owner]],
      ['F_SETSIG', 'fcntl', [0, F_SETSIG, constants.signals.SIGCONT]],
    ]);
  },
  'inherited-descriptors': () => strayDescriptors(),
  files: ({ files }) => each(files, (file) => `${file} ${digestOf(file)}`),
  symlink: ({ files: [file = ''], mark }) => {
    const link = `${process.cwd()}/${mark}`;
    symlinkSync(file, link);
    return [`${file} ${digestOf(link)}`];
  },
  'write-outside': ({ newFiles }) =>
    each(newFiles, (file) => {
      writeFileSync(file, '');
      return file;
    }),
  // Each leaves the file as it was, but for the time of the last change.
  'file-metadata': ({ files: [file = ''] }) => {
    const name = Buffer.from(`${file}\0`);
    const attribute = [name, Buffer.from('user.self-test\0'), Buffer.alloc(1), 1, 0];
    const byCall = (): string => callEach([['setxattr', 'setxattr', attribute]]).join();
    const byNode = [
      () => chmodSync(file, CANARY_MODE),
      () => utimesSync(file, Date.now() / 1000, Date.now() / 1000),
      () => chownSync(file, process.getuid?.() ?? 0, process.getgid?.() ?? 0),
    ];
    return each([...byNode, byCall], (change) => change() ?? file);
  },
  programs: () => {
    const { error, status } = spawnSync(process.execPath, ['--version']);
    if (error) throw error;
    return [`exit code ${status}`];
  },
  survivor: ({ mark }) => leaveProcess(mark),
  addon: () => {
    try {
      process.dlopen({ exports: {} }, 'libc.so.6');
    } catch (error) {
      // Node has loaded it, and found no addon in it.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_DLOPEN_FAILED') throw error;
    }
    return ['native code is loaded'];
  },
  'become-root': () => {
    process.setuid?.(0);
    return [String(process.getuid?.())];
  },
  // No page at all: what is not refused is carried out and does nothing.
  'pipe-pages': () => callEach([['vmsplice', 'vmsplice', [1, Buffer.alloc(16), 0, 0]]]),
  redis: ({ redis }) => (redis ? talk({ host: redis.host, port: redis.port }, redis.tls, 'PING\r\n') : []),
  'worker-port': ({ port }) => talk({ host: '127.0.0.1', port }, false, 'GET / HTTP/1.0\r\n\r\n'),
  'unix-socket': ({ abstractSocket }) => talk({ path: `\0${abstractSocket}` }, false, '\n'),
  'metadata-address': ({ metadataAddress }) =>
    talk({ host: metadataAddress, port: 80 }, false, 'GET / HTTP/1.0\r\n\r\n'),
};

async function runAttack(attack: Attack, targets: SelfTestTargets): Promise<Finding> {
  try {
    return { kind: 'got', values: await attack(targets) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // An error without a code is one of this file's: it would look like a refusal, and be none.
    return typeof code === 'string' ? { kind: 'refused', code } : { kind: 'broken', message: message };
  }
}

/** What was got of some; when nothing was, the first refusal. */
function each<T>(targets: readonly T[], attack: (target: T) => string): string[] {
  const errors: unknown[] = [];
  const values = targets.flatMap((target) => {
    try {
      return attack(target);
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  if (values.length === 0 && errors.length > 0) throw errors[0];
  return values;
}

/**
 * Calls the kernel past Node, which only code without Node's permission model can. The names of the calls
 * that were carried out.
 */
function callEach(
  calls: readonly [name: string, call: SyscallName, args: readonly (number | Buffer)[]][],
): string[] {
  const kernel = new Kernel();
  return each(calls, ([name, call, args]) => {
    const result = kernel.attempt(syscallNumber(call, arch() as FilterArch) as number, ...args);
    if (result < 0) throw Object.assign(new Error(`${name} was refused`), { code: 'EPERM' });
    return name;
  });
}

/**
 * Descriptors that are neither of the protocol nor Node's own, which are pollers, that no kind names, pipes whose both ends
 * are here, and devices that every program may have.
 */
function strayDescriptors(): string[] {
  const open = Array.from({ length: MOST_FDS }, (_, number) => ({ number, stats: statsOf(number) }));
  const pipes = open.flatMap(({ stats }) => (stats?.isFIFO() ? stats.ino : []));
  const isWhole = ({ ino }: Stats): boolean => pipes.filter((pipe) => pipe === ino).length > 1;
  return open.flatMap(({ number, stats }) => {
    const kind = stats && KINDS_OF_FILES.find(([, is]) => is(stats))?.[0];
    if (!stats || kind === undefined || OWN_FDS.has(number)) return [];
    if (isHarmless(stats) || (stats.isFIFO() && isWhole(stats))) return [];
    return `descriptor ${number}, ${kind}`;
  });
}

const KINDS_OF_FILES: readonly (readonly [string, (stats: Stats) => boolean])[] = [
  ['a file', (stats) => stats.isFile()],
  ['a folder', (stats) => stats.isDirectory()],
  ['a socket', (stats) => stats.isSocket()],
  ['a pipe', (stats) => stats.isFIFO()],
  ['a device', (stats) => stats.isCharacterDevice() || stats.isBlockDevice()],
];

/** /dev/null, zero, random and urandom. */
const isHarmless = (stats: Stats): boolean => stats.isCharacterDevice() && HARMLESS_DEVICES.has(stats.rdev);

function statsOf(descriptor: number): Stats | null {
  try {
    return fstatSync(descriptor);
  } catch {
    return null;
  }
}

function visiblePids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function readMemory(pid: number, { address, bytes }: { address: string; bytes: number }): string {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const read = Buffer.alloc(bytes);
    readSync(fd, read, 0, bytes, BigInt(address));
    return read.toString('latin1');
  } finally {
    closeSync(fd);
  }
}

/** Starts a process in a session of its own, which no kill of a process group reaches. */
function leaveProcess(mark: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', `setTimeout(() => {}, ${SURVIVE_MS})`, mark], {
      detached: true,
      stdio: 'ignore',
    });
    child.once('spawn', () => resolve([String(child.pid)]));
    child.once('error', reject);
  });
}

/** Says something to a server, both ways that there are: by what the worker connects for code, and by a socket of its own. */
async function talk(
  where: TcpNetConnectOpts | IpcNetConnectOpts,
  tls: boolean,
  words: string,
): Promise<string[]> {
  try {
    return await converse(() => connect(where), tls, words);
  } catch {
    return await converse(() => new Socket().connect(where), tls, words);
  }
}

/** The first words of the answer; '' when it took the connection and said nothing. */
function converse(open: () => Socket, tls: boolean, words: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const opened = open();
    // Which server it is does not matter, only that it answers.
    const socket = tls ? connectTls({ socket: opened, rejectUnauthorized: false }) : opened;
    let isConnected = false;
    const timer = setTimeout(() => {
      socket.destroy();
      // A packet that got no answer was still sent.
      resolve([isConnected ? '' : 'no answer']);
    }, CONNECT_TIMEOUT_MS);
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      opened.destroy();
      end();
    };
    const fail = (error: Error): void => settle(() => (isConnected ? resolve(['']) : reject(error)));
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      isConnected = true;
      socket.write(words);
    });
    socket.once('data', (data: Buffer) => settle(() => resolve([data.toString('latin1').slice(0, 80)])));
    socket.once('end', () => settle(() => resolve([''])));
    socket.once('error', fail);
    if (socket !== opened) opened.once('error', fail);
  });
}
