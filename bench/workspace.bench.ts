// `npm run bench:workspace`: what a large workspace and many imports cost, through built workers.
// `--smoke` runs a small version that only shows that it works.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuiltWorker, startWorker } from './harness/built-worker.ts';
import { startRedis } from './harness/redis.ts';

const SMOKE = process.argv.includes('--smoke');
const LARGE = SMOKE ? 30 : 10_000;
const MODULE_BYTES = 5 * 1024;
const ROUNDS = SMOKE ? 1 : 40;
const MANY = SMOKE ? 30 : 200;
const MB = 1024 * 1024;

type Files = Record<string, string>;
interface Result {
  success: boolean;
  error: string | null;
  duration_ms: number;
  metrics: { module_load_ms: number };
}

const workers: BuiltWorker[] = [];
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

/** A built worker; with the prefix, in a world of its own on the same Redis. */
async function open(redisUrl: string, prefix: string): Promise<BuiltWorker> {
  const worker = await startWorker(prefix, {
    REDIS_URL: redisUrl,
    KEY_PREFIX: `${prefix}:`,
    CONCURRENCY: '1',
  });
  workers.push(worker);
  return worker;
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
  const publisher = await open(redis, 'large');
  const files = {
    ...workspaceOf(LARGE),
    'main.ts': `${THREE.join('\n')}\nexport const run = () => v0 + v1 + v2;`,
  };
  const bytes = Object.values(files).reduce((sum, source) => sum + source.length, 0);
  const publishedAt = performance.now();
  await ask(publisher.url, 'PUT', '/workspace', { files });
  const publishMs = performance.now() - publishedAt;
  await publisher.stop();

  const small = await open(redis, 'small');
  await ask(small.url, 'PUT', '/workspace', { files: { ...workspaceOf(3), 'main.ts': files['main.ts'] } });
  const large = await open(redis, 'large');
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
  const { url } = await open(redis, 'many');
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

const redis = await startRedis({ persistent: false });
try {
  const rows = [...(await compareWithDisk(redis.url)), ...(await compareSizes(redis.url))];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  for (const [name = '', ...cells] of rows) {
    console.log([name.padEnd(width), ...cells.map((cell) => cell.padStart(10))].join('  '));
  }
} finally {
  for (const worker of workers) await worker.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
