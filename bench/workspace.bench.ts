// `npm run bench:workspace`: what a large workspace and many imports cost, through built workers.
// `--smoke` runs a small version that only shows that it works.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SMOKE = process.argv.includes('--smoke');
const LARGE = SMOKE ? 200 : 10_000;
const MODULE_BYTES = 5 * 1024;
const ROUNDS = SMOKE ? 3 : 40;
const MANY = 200;
const MAIN = join(import.meta.dirname, '..', 'dist', 'main.js');
const MB = 1024 * 1024;

type Files = Record<string, string>;
interface Result {
  success: boolean;
  error: string | null;
  duration_ms: number;
  metrics: { module_load_ms: number };
}

const started: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-'));

/** A module of about 5 KB that is real code to parse. */
function moduleOf(index: number, imports = ''): string {
  const body: string[] = [];
  for (let line = 0; body.join('\n').length < MODULE_BYTES - 200; line += 1) {
    body.push(`export function f${line}(a: number, b = ${index}): number { return a * ${line} + b; }`);
  }
  return `${imports}export const value: number = ${index};\n${body.join('\n')}\n`;
}

/** `run` imports 3 modules; the others only lie there. */
function workspaceOf(count: number): Files {
  const files: Files = {};
  for (let index = 0; index < count; index += 1) files[`lib/${index % 100}/m${index}.ts`] = moduleOf(index);
  return files;
}
const THREE = [0, 1, 2].map((index) => `import { value as v${index} } from './lib/${index}/m${index}';`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function startRedis(): Promise<string> {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(server);
  for await (const line of createInterface({ input: server.stdout }))
    if (line.includes('Ready to accept')) break;
  server.stdout.resume();
  return `redis://127.0.0.1:${port}`;
}

/** A built worker and the address of its API; with the prefix, a world of its own on the same Redis. */
async function startWorker(redis: string, prefix: string): Promise<{ url: string; pid: number }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_FORMAT: 'json', PORT: '0' };
  const worker = spawn(process.execPath, [MAIN, '--id', prefix], {
    env: { ...env, REDIS_URL: redis, KEY_PREFIX: `${prefix}:`, CONCURRENCY: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(worker);
  for await (const line of createInterface({ input: worker.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string };
    if (!entry.msg?.includes('listening') || !entry.url) continue;
    worker.stdout.resume();
    return { url: entry.url, pid: worker.pid as number };
  }
  throw new Error(`the worker ${prefix} ended`);
}

async function ask(url: string, method: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function execute(url: string, context: object): Promise<Result> {
  const result = (await ask(url, 'POST', '/executions?wait=30', context)) as Result;
  if (!result.success) throw new Error(`the execution failed: ${result.error}`);
  return result;
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** New code each time, whose imports must be looked up; and a module that was run before. */
async function compareSizes(redis: string): Promise<string[][]> {
  const publisher = await startWorker(redis, 'large');
  const files = {
    ...workspaceOf(LARGE),
    'main.ts': `${THREE.join('\n')}\nexport const run = () => v0 + v1 + v2;`,
  };
  const bytes = Object.values(files).reduce((sum, source) => sum + source.length, 0);
  const publishedAt = performance.now();
  await ask(publisher.url, 'PUT', '/workspace', { files });
  const publishMs = performance.now() - publishedAt;
  await end(publisher.pid);

  const small = await startWorker(redis, 'small');
  await ask(small.url, 'PUT', '/workspace', { files: { ...workspaceOf(3), 'main.ts': files['main.ts'] } });
  const large = await startWorker(redis, 'large');
  const before = residentMb(large.pid);
  const times: Record<string, number[]> = {
    'new small': [],
    'new large': [],
    'known small': [],
    'known large': [],
  };
  for (let round = -3; round < ROUNDS; round += 1) {
    for (const [name, { url }] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const code = `${THREE.join('\n')}\nexport const run = () => v0 + v1 + v2; // ${round}`;
      const fresh = await execute(url, { workflow_code: code, function_name: 'run' });
      const known = await execute(url, { file_path: 'main.ts', function_name: 'run' });
      if (round < 0) continue;
      times[`new ${name}`]?.push(fresh.duration_ms);
      times[`known ${name}`]?.push(known.duration_ms);
    }
  }
  const row = (kind: string): string[] => {
    const [few, many] = [median(times[`${kind} small`] ?? []), median(times[`${kind} large`] ?? [])];
    return [`3 imports, ${kind} code: 3 modules / ${LARGE} modules`, ms(few), ms(many), ratio(many / few)];
  };
  return [
    row('new'),
    row('known'),
    [
      `worker RSS before / after, workspace of ${(bytes / MB).toFixed(0)} MB`,
      mb(before),
      mb(residentMb(large.pid)),
      '',
    ],
    [`publish of ${LARGE} modules`, ms(publishMs), '', ''],
  ];
}

/** The same JavaScript once from the workspace and once from disk, loaded by a plain node process. */
async function compareWithDisk(redis: string): Promise<string[][]> {
  const files: Files = {};
  for (let index = 0; index < MANY; index += 1) files[`many/m${index}.js`] = javascript(moduleOf(index));
  const imports = Array.from({ length: MANY }, (_, index) => `import './many/m${index}.js';`).join('\n');
  const entry = `${imports}\nexport const run = () => 1;\n`;
  const { url } = await startWorker(redis, 'many');
  await ask(url, 'PUT', '/workspace', { files: { ...files, 'entry.js': entry } });

  mkdirSync(join(folder, 'many'));
  for (const [path, source] of Object.entries(files)) writeFileSync(join(folder, path), source);
  writeFileSync(join(folder, 'entry.js'), entry);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const measure = `const t = performance.now(); await import('./entry.js'); console.log(performance.now() - t);`;
  writeFileSync(join(folder, 'measure.mjs'), measure);

  const [disk, loads, totals]: number[][] = [[], [], []];
  for (let round = -2; round < ROUNDS; round += 1) {
    const fromDisk = Number(
      execFileSync(process.execPath, ['measure.mjs'], { cwd: folder, encoding: 'utf8' }),
    );
    const result = await execute(url, { file_path: 'entry.js', function_name: 'run' });
    if (round < 0) continue;
    disk?.push(fromDisk);
    loads?.push(result.metrics.module_load_ms);
    totals?.push(result.duration_ms);
  }
  const [base, load] = [median(disk ?? []), median(loads ?? [])];
  return [
    [`${MANY} imports: from disk / workspace`, ms(base), ms(load), ratio(load / base)],
    [`${MANY} imports: whole execution`, '', ms(median(totals ?? [])), ''],
  ];
}

const javascript = (source: string): string => source.replaceAll(': number', '');
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const mb = (value: number): string => `${value.toFixed(0)} MB`;
const ratio = (value: number): string => `${value.toFixed(2)} x`;

async function end(pid: number): Promise<void> {
  const child = started.find((each) => each.pid === pid);
  if (!child || child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

try {
  const redis = await startRedis();
  const rows = [...(await compareWithDisk(redis)), ...(await compareSizes(redis))];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  for (const [name = '', ...cells] of rows) {
    console.log([name.padEnd(width), ...cells.map((cell) => cell.padStart(10))].join('  '));
  }
} finally {
  for (const child of started.toReversed()) await end(child.pid as number);
  rmSync(folder, { recursive: true, force: true });
}
