/**
 * The worker that attacks aim at: has runners at the level that is asked for, with all layers, without
 * Node's permission model, or with none at all, and a canary wherever an attack looks for one.
 */
import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createWebServer, type RequestListener } from 'node:http';
import type { Resolver } from 'node:dns/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactStore, Content } from '../../../src/artifacts/artifact-store.js';
import type { Confinement } from '../../../src/contract/confinement.js';
import type { TemplateLevel } from '../../../src/isolation/isolation-level.js';
import type { OutletServices } from '../../../src/executor/network/network-outlet.js';
import type { RunnerProcess as RunnerProcessType } from '../../../src/executor/process/runner-process.js';
import type { RunnerLaunch } from '../../../src/executor/process/runner-launch.js';
import type { TemplateProcess as TemplateProcessType } from '../../../src/executor/template/template-process.js';
import { createInterface } from 'node:readline';

// Its output is the answers to the test.
Logger.overrideLogger(false);

const DIST = join(import.meta.dirname, '..', '..', '..', 'dist');
/** The built worker, with the types of its sources. */
const from = async <M>(path: string): Promise<M> => (await import(join(DIST, path))) as M;
const [levelName, layers, start] = process.argv.slice(2) as [
  string,
  'all' | 'kernel' | 'none',
  'spawn' | 'fork',
];
/** As with NATIVE_ADDONS=on. */
const withAddons = process.argv[6] === 'addons';
const canary = process.env['CANARY'] as string;
const folder = mkdtempSync(join(tmpdir(), 'bifrost-attack-'));
chmodSync(folder, 0o777);
const KNOWN_NONCE = '0'.repeat(32);
const say = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const { runnerSettings } = await from<typeof import('../../../src/config/slices.js')>('config/slices.js');
const { parseSettings } = await from<typeof import('../../../src/config/settings.js')>('config/settings.js');
const { RuntimeDir } =
  await from<typeof import('../../../src/isolation/runtime-dir.js')>('isolation/runtime-dir.js');
const { bundleRunners } = await from<typeof import('../../../src/executor/process/runner-bundle.js')>(
  'executor/process/runner-bundle.js',
);
const { RunnerProcess } = await from<typeof import('../../../src/executor/process/runner-process.js')>(
  'executor/process/runner-process.js',
);
const { TemplateProcess } = await from<typeof import('../../../src/executor/template/template-process.js')>(
  'executor/template/template-process.js',
);
const { FREEZER_X64 } = await from<typeof import('../../../src/executor/template/freezer-code.js')>(
  'executor/template/freezer-code.js',
);
const { candidates } =
  await from<typeof import('../../../src/isolation/candidates.js')>('isolation/candidates.js');
const { accessOf } = await from<typeof import('../../../src/executor/pool/runner-factory.js')>(
  'executor/pool/runner-factory.js',
);
const { DiskPlace } =
  await from<typeof import('../../../src/isolation/disk-place.js')>('isolation/disk-place.js');
const { shieldWorker } = await from<typeof import('../../../src/isolation/shield-worker.js')>(
  'isolation/shield-worker.js',
);
const { commandFor } = await from<typeof import('../../../src/executor/process/run-once.js')>(
  'executor/process/run-once.js',
);
const { withoutPermissionModel } = await from<
  typeof import('../../../src/executor/self-test/without-node.js')
>('executor/self-test/without-node.js');
const { Run } = await from<typeof import('../../../src/executor/supervision/run.js')>(
  'executor/supervision/run.js',
);
const { runLimitsOf, resourceLimitsOf } = await from<
  typeof import('../../../src/executor/supervision/limits.js')
>('executor/supervision/limits.js');
const { KINDS } = await from<typeof import('../../../src/executor/kinds/registry.js')>(
  'executor/kinds/registry.js',
);
const { slotOn } = await from<typeof import('../../../src/executor/pool/runner-lease.js')>(
  'executor/pool/runner-lease.js',
);
const { Cancellation, Interruption } =
  await from<typeof import('../../../src/executor/cancellation.js')>('executor/cancellation.js');
const { Dialer } = await from<typeof import('../../../src/executor/network/dialer.js')>(
  'executor/network/dialer.js',
);
const { NameLookup } = await from<typeof import('../../../src/executor/network/name-lookup.js')>(
  'executor/network/name-lookup.js',
);
const { storesOf } = await from<typeof import('../../../src/executor/network/own-endpoints.js')>(
  'executor/network/own-endpoints.js',
);
const { parseNetworkAllow } =
  await from<typeof import('../../../src/config/network-allow.js')>('config/network-allow.js');
const { ownPorts } = await from<typeof import('../../../src/lib/own-ports.js')>('lib/own-ports.js');
const { ArtifactRefusedError, collectArtifacts } = await from<
  typeof import('../../../src/artifacts/artifact-collector.js')
>('artifacts/artifact-collector.js');
const { Redactor } = await from<typeof import('../../../src/outcome/redaction/redactor.js')>(
  'outcome/redaction/redactor.js',
);

const packages = join(folder, 'packages');
mkdirSync(join(packages, 'sets', 'one'), { recursive: true });
writeFileSync(join(packages, 'sets', 'one', 'index.js'), 'original');
copyFileSync(process.argv[5] as string, join(packages, 'sets', 'one', 'addon.node'));
if (layers === 'none')
  for (const path of ['sets', 'sets/one', 'sets/one/index.js']) chmodSync(join(packages, path), 0o777);
const settings = parseSettings({
  WORKER_ID: 'attacked',
  ISOLATION: levelName,
  PACKAGES_DIR: packages,
  MEMORY_LIMIT_MB: '200',
  SCRATCH_LIMIT_MB: '32',
});
const dir = await RuntimeDir.create();
const bundles = bundleRunners(dir.path, KINDS.process.entries);
const runners = runnerSettings.of(settings);
const found = candidates({ settings: runners.isolation, dir, access: accessOf(runners, bundles) })[0];
if (!found || !('level' in found)) throw new Error(found?.unavailable);
const level = found.level;
const nothing: Confinement = {
  parentPid: null,
  uid: null,
  maxTasks: null,
  hidden: false,
  files: null,
  filter: false,
  sharedUser: true,
  recordLocks: false,
};
const stripped = withoutPermissionModel(level);
const bare = withoutPermissionModel({
  name: 'process',
  openPlace: () => DiskPlace.open(dir, null),
  confinement: () => nothing,
  runnerPid: (pid) => pid,
  runnerEnd: (end) => end,
  forTemplate: () => null,
  command: ({ scratch }, args) => ({
    file: process.execPath,
    args: [...args],
    cwd: scratch,
    extraFile: null,
  }),
});
const used = layers === 'all' ? level : layers === 'kernel' ? stripped : bare;
if (layers !== 'none') shieldWorker();

/** What code at the network `proxy` reaches; without layers everything, as if the worker knew no rules. */
function outletFor(allow: string): OutletServices {
  const lookup = new NameLookup({
    resolve4: ((name: string) => Promise.resolve(addressesOf(name))) as Resolver['resolve4'],
    resolve6: (() => Promise.resolve([])) as unknown as Resolver['resolve6'],
  });
  const rules = {
    allow: parseNetworkAllow(allow),
    stores: storesOf({ ...runners, redisUrl: `redis://127.0.0.1:${redisPort}` }),
  };
  const anywhere = {
    addresses: (host: string) => lookup.addressesOf(host),
    dial: (target: { host: string; port: number }) =>
      new Promise<Socket>((resolve, reject) => {
        const known = addressesOf(target.host)[1];
        const socket = connect({ ...target, host: known ?? target.host }, () => resolve(socket));
        socket.once('error', reject);
      }),
  };
  const off = layers === 'none';
  return {
    dialer: off ? anywhere : new Dialer(rules, lookup),
    limits: { connections: off ? 4096 : 64, transferBytes: 1e9, idleMs: 60_000 },
  };
}

/** The names of the tests: public when they are looked up first, and inside ever after. */
const lookups = new Map<string, number>();
function addressesOf(name: string): string[] {
  if (name === 'metadata.test') return ['169.254.169.254', '169.254.169.254'];
  if (name === 'redis.test') return ['127.0.0.1', '127.0.0.1'];
  if (name !== 'rebinding.test') return [];
  const times = (lookups.get(name) ?? 0) + 1;
  lookups.set(name, times);
  if (layers === 'none') return ['1.1.1.1', '127.0.0.1'];
  return times === 1 ? ['1.1.1.1'] : ['127.0.0.1'];
}

const launchOf = (outlet: OutletServices | null): Omit<RunnerLaunch, 'level' | 'place'> => ({
  kind: KINDS.process,
  slots: 1,
  bundles,
  network: outlet ? 'proxy' : layers === 'none' ? 'open' : 'none',
  outlet,
  packageSets: join(packages, 'sets'),
  nativeAddons: withAddons,
  heapMb: layers === 'none' ? 3000 : 136,
  memoryMb: 200,
  maxExecutions: 1,
  resources: layers === 'none' ? { dataMb: null, fileMb: 4096, openFiles: 1024 } : resourceLimitsOf(runners),
  frameLimitBytes: 16e6,
});

const freezer = join(dir.path, 'freezer.so');
writeFileSync(freezer, FREEZER_X64, { mode: 0o644 });

/**
 * All runners of one network are forked of one template, so that attackers have their neighbours' layout: also after
 * an attack that crashed its own runner, where a worker would take another template.
 */
const templates = new Map<string, Promise<TemplateProcessType>>();
function templateFor(launch: Omit<RunnerLaunch, 'level' | 'place'>): Promise<TemplateProcessType> {
  const { network } = launch;
  const made = templates.get(network) ?? startTemplate(launch);
  templates.set(network, made);
  return made;
}

function startTemplate(launch: Omit<RunnerLaunch, 'level' | 'place'>): Promise<TemplateProcessType> {
  const program = bundleRunners(dir.path, ['template'])['template'] as string;
  const levelAt = (door: string): TemplateLevel => {
    const made = used.forTemplate({ files: [program, freezer], door });
    if (made === null) throw new Error(`the level ${used.name} has no templates`);
    return made;
  };
  return TemplateProcess.start({
    ...launch,
    dir: dir.path,
    program,
    freezer,
    isForFew: false,
    level: levelAt,
    onCrash: () => undefined,
  });
}

async function boot(outlet: OutletServices | null = null): Promise<RunnerProcessType> {
  const place = await used.openPlace();
  const launch = { ...launchOf(outlet), level: used, place };
  if (start === 'spawn') return await RunnerProcess.boot(launch);
  const template = await templateFor(launch);
  return await RunnerProcess.boot(launch, () => template.fork(place));
}

async function attack(source: string, timeoutMs: number, allow: string | null): Promise<unknown> {
  const runner = await boot(allow === null ? null : outletFor(allow));
  const limits = {
    ...runLimitsOf(runners, { timeoutMs }),
    ...(layers === 'none' ? { memoryMb: 4096, scratchMb: 1e5 } : {}),
  };
  const run = new Run(slotOn(runner, runner.place.scratch), limits, {
    answer: () => Promise.resolve({ kind: 'package' }),
    onProgress: () => undefined,
    onLog: () => null,
    redactor: new Redactor([]),
  });
  const nonce = layers === 'none' ? KNOWN_NONCE : randomBytes(16).toString('hex');
  const command = {
    ...commandFor(runner, source.replaceAll('NONCE', nonce)),
    nonce,
    network:
      allow === null ? (layers === 'none' ? ('open' as const) : ('none' as const)) : ('proxy' as const),
    resultLimitBytes: 4e6,
  };
  const end = await run.finish(command, {
    interruption: new Interruption(),
    cancellation: new Cancellation(),
  });
  runner.kill();
  await runner.ended;
  const artifacts = await takeArtifacts(runner);
  await runner.place.remove();
  const { verdict, report, exit, durationMs, peakMb } = end;
  return {
    verdict,
    value: report?.type === 'result' ? (report.value ?? null) : null,
    error: report?.type === 'error' ? report.message : null,
    exit,
    durationMs,
    peakMb,
    output: `${end.stdout}${end.stderr}`,
    artifacts,
  };
}

async function takeArtifacts({ place }: RunnerProcessType): Promise<Record<string, string>> {
  const scratch = place.pathOf(place.scratch);
  if (scratch === null) throw new Error('the worker cannot see the scratch folder of the runner');
  const found: Record<string, string> = {};
  if (layers === 'none') {
    const from = join(scratch, 'artifacts');
    for (const name of existsSync(from) ? readdirSync(from) : [])
      if (statSync(join(from, name)).isFile()) found[name] = readFileSync(join(from, name), 'utf8');
    return found;
  }
  const store = {
    async put(_folder: string, { name, chunks }: Content): Promise<void> {
      for await (const chunk of chunks())
        found[name] = `${found[name] ?? ''}${Buffer.from(chunk).toString()}`;
    },
  } as ArtifactStore;
  const limits = { maxBytes: 1e8, maxCount: 100 };
  await collectArtifacts(scratch, store, limits, { folder: '', uid: place.uid, mayShow: () => true }).catch(
    (error: unknown) => {
      if (!(error instanceof ArtifactRefusedError)) throw error;
    },
  );
  return found;
}

let redisPort = 0;
const servers: Server[] = [];
const listen = (...where: [unknown, string?]): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`+PONG ${canary}\r\n`);
    });
    servers.push(server);
    server.on('error', reject);
    (server.listen as (...args: unknown[]) => void)(...where, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

const outsideFile = join(folder, 'outside.txt');
writeFileSync(outsideFile, canary);
const unixSocket = join(folder, 'server.sock');
const abstractSocket = `bifrost-${randomBytes(6).toString('hex')}`;
await listen(unixSocket);
await listen(`\0${abstractSocket}`);
chmodSync(unixSocket, 0o777);
const serveHttp = async (answer: RequestListener): Promise<number> => {
  const web = createWebServer(answer);
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  return (web.address() as { port: number }).port;
};
const httpPort = await serveHttp((_request, response) => response.end(canary));
ownPorts.add(httpPort);
const allowedPort = await serveHttp((request, response) => {
  const to = decodeURIComponent((request.url ?? '').slice(2));
  if (to !== '') response.writeHead(302, { location: to });
  response.end('allowed');
});
redisPort = await listen(0, '127.0.0.1');
const dns = createSocket('udp4');
dns.on('message', (query, peer) => {
  // The question again, as an answer with one TXT record.
  const answer = Buffer.from([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 1, 0, canary.length + 1, canary.length]);
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const end = query.indexOf(0, 12) + 5;
  dns.send(
    Buffer.concat([head, query.subarray(12, end), answer, Buffer.from(canary)]),
    peer.port,
    peer.address,
  );
});
await new Promise<void>((resolve) => dns.bind(0, '127.0.0.1', resolve));
const secret = Buffer.from(`${canary}\0`);
const ffi = process.getBuiltinModule('node:ffi') as unknown as {
  getRawPointer(memory: Buffer): bigint;
  dlopen(
    library: null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Record<string, (...args: (bigint | number)[]) => number> };
};
const other = await boot();
const otherScratch: string = other.place.scratch;
const otherFile = other.place.onDisk
  ? join(otherScratch, 'canary.txt')
  : `/proc/${other.pid}/root${otherScratch}/canary.txt`;
writeFileSync(otherFile, canary);
chmodSync(otherFile, layers === 'none' ? 0o666 : 0o600);

/** Whether the file system takes it, as asked from a process that nothing confines. */
function setAttribute(path: string): boolean {
  const { functions } = ffi.dlopen(null, {
    setxattr: { arguments: ['pointer', 'pointer', 'pointer', 'u64', 'i32'], return: 'i32' },
  });
  const [file, name, value] = [`${path}\0`, 'user.before\0', '1'].map((text) => Buffer.from(text));
  const pointers = [file, name, value].map((text) => ffi.getRawPointer(text as Buffer));
  return functions['setxattr']?.(...pointers, 1n, 0) === 0;
}

// In lines of their own: a signal may come after the answer to the attack that sent it.
for (const signal of ['SIGTERM', 'SIGUSR2', 'SIGCONT', 'SIGHUP'] as const)
  process.on(signal, () => void process.stderr.write(`signal ${signal}\n`));
say({
  target: {
    workerPid: process.pid,
    canaryAddress: String(ffi.getRawPointer(secret)),
    canary,
    outsideFile,
    outsideFolder: folder,
    otherPid: other.pid,
    otherFile,
    redisPort,
    metadataPort: await listen(80, '169.254.169.254').catch(() => null),
    unixSocket,
    abstractSocket,
    dnsPort: dns.address().port,
    httpPort,
    insidePort: await serveHttp((_request, response) => response.end(canary)),
    allowedPort,
    knownNonce: KNOWN_NONCE,
    early: layers === 'none',
    nativeAddons: withAddons,
    isRoot: process.getuid?.() === 0,
    packagesFolder: join(packages, 'sets', 'one'),
    packageFile: join(packages, 'sets', 'one', 'index.js'),
    hasAttributes: setAttribute(outsideFile),
  },
});
for await (const line of createInterface({ input: process.stdin })) {
  const { source, timeoutMs, allow } = JSON.parse(line) as {
    source: string;
    timeoutMs: number;
    allow: string | null;
  };
  say(
    await attack(source, timeoutMs, allow).then(
      (ending) => ({ ending }),
      (error: Error) => ({ failed: error.stack }),
    ),
  );
}
other.kill();
await other.ended;
for (const made of templates.values()) await (await made).close();
await dir.remove();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
