import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SelfTestTargets, ServerAddress } from '../../boundary/self-test.js';
import { ownPorts } from '../../lib/own-ports.js';
import { killQuietly } from '../../lib/process/kill-quietly.js';
import { addressOf, environmentDigest } from '../../isolation/shield-worker.js';
import { removeDir, type RuntimeDir } from '../../isolation/runtime-dir.js';

/** The metadata that clouds offer to their machines, credentials included. */
const METADATA_ADDRESS = '169.254.169.254';

/** A process that was killed is gone when the kernel has taken its memory apart. */
const GONE_POLL_MS = 5;
const GONE_TIMEOUT_MS = 5_000;

/** What was seen from the outside while the attacks took place, or what would be seen of a success. */
export interface Observations {
  /** Connections that arrived. */
  portConnections: number;
  socketConnections: number;
  signals: number;
  writtenFiles: string[];
  /** Files whose mode, owner, times or attributes are others than before. */
  changedFiles: string[];
  survivors: number[];
  /** What the attacks would have got. */
  environment: string | null;
  memory: string | null;
  stat: string;
  files: ReadonlySet<string>;
}

/** Where the worker has files that user code has no business with. */
export interface WorkerPlaces {
  dir: RuntimeDir;
  /** Files that the application has beside its code, whether they are there or not. */
  ownFiles: readonly string[];
  folders: readonly string[];
}

/**
 * Everything that the attacks of one self-test aim at, made for it: what reaches a target is seen here and
 * not taken from what the attacking code says.
 */
export class Canaries {
  private readonly word = Buffer.from(`canary-${randomBytes(16).toString('hex')}`);
  readonly mark = `bifrost-self-test-${process.pid}-${randomBytes(6).toString('hex')}`;
  private readonly port: number;
  private readonly file: string;
  private readonly madeAt: bigint;
  private signals = 0;
  private readonly connections = { port: 0, socket: 0 };
  private readonly onSignal = (): void => void (this.signals += 1);

  private constructor(
    private readonly tcp: Server,
    private readonly local: Server,
    private readonly abstractSocket: string,
    private readonly folder: string,
    private readonly files: readonly string[],
    private readonly newFiles: readonly string[],
  ) {
    this.file = files[0] as string;
    this.madeAt = changedAt(this.file);
    this.port = (tcp.address() as AddressInfo).port;
    process.on('SIGCONT', this.onSignal);
    // A port of this worker as its others: what makes connections for user code must not lead there.
    ownPorts.add(this.port);
    tcp.on('connection', () => (this.connections.port += 1));
    local.on('connection', () => (this.connections.socket += 1));
  }

  /** @throws what the file system or the network of this machine says. */
  static async open({ dir, ownFiles, folders }: WorkerPlaces): Promise<Canaries> {
    const folder = await dir.createScratch();
    const file = join(folder, 'canary.txt');
    // As open as can be: what keeps code from it is the isolation and not its mode.
    await writeFile(file, randomBytes(16).toString('hex'), { mode: 0o644 });
    await chmod(folder, 0o755);
    const name = `bifrost-self-test-${process.pid}-${randomBytes(6).toString('hex')}`;
    const [tcp, local] = await Promise.all([listen(0), listen(`\0${name}`)]);
    const places = [...new Set([folder, dir.path, tmpdir(), process.cwd(), ...folders])];
    return new Canaries(
      tcp,
      local,
      name,
      folder,
      [file, ...ownFiles.filter((path) => existsSync(path))],
      places.filter((path) => existsSync(path)).map((path) => join(path, name)),
    );
  }

  targets(redis: ServerAddress | null): SelfTestTargets {
    const address = addressOf(this.word);
    return {
      workerPid: process.pid,
      memory: address === null ? null : { address: String(address), bytes: this.word.length },
      files: [...this.files],
      newFiles: [...this.newFiles],
      mark: this.mark,
      redis,
      port: this.port,
      abstractSocket: this.abstractSocket,
      metadataAddress: METADATA_ADDRESS,
    };
  }

  /** Call it when the runner is dead: what is then left of it has outlived it. */
  look(): Observations {
    return {
      portConnections: this.connections.port,
      socketConnections: this.connections.socket,
      signals: this.signals,
      writtenFiles: this.newFiles.filter((path) => existsSync(path)),
      changedFiles: changedAt(this.file) === this.madeAt ? [] : [this.file],
      survivors: processesWith(this.mark),
      environment: environmentDigest(),
      memory: addressOf(this.word) === null ? null : this.word.toString('latin1'),
      stat: contentOf('/proc/self/stat').toString('latin1'),
      files: new Set(this.files.map((path) => `${path} ${digestOf(path)}`)),
    };
  }

  async close(): Promise<void> {
    process.off('SIGCONT', this.onSignal);
    ownPorts.delete(this.port);
    this.tcp.close();
    this.local.close();
    for (const path of this.newFiles) rmSync(path, { force: true });
    await endProcessesWith(this.mark);
    await removeDir(this.folder);
  }
}

function listen(where: number | string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end();
    });
    server.once('error', reject);
    server.unref();
    if (typeof where === 'string') server.listen(where, () => resolve(server));
    else server.listen(where, '127.0.0.1', () => resolve(server));
  });
}

/** Processes with this word in their command line, other than the runner that got it on a channel. */
function processesWith(word: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => contentOf(`/proc/${pid}/cmdline`).includes(word)).map(Number);
}

/** Resolves when they are gone, or do not go. */
async function endProcessesWith(word: string): Promise<void> {
  const givenUpAt = performance.now() + GONE_TIMEOUT_MS;
  for (;;) {
    const left = processesWith(word);
    if (left.length === 0 || performance.now() > givenUpAt) return;
    for (const pid of left) killQuietly(pid);
    await sleep(GONE_POLL_MS);
  }
}

/** When anything about a file last changed, also its mode or owner. */
const changedAt = (path: string): bigint => statSync(path, { bigint: true }).ctimeNs;

const digestOf = (path: string): string => createHash('sha256').update(contentOf(path)).digest('hex');

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
