// `npm run docs:console`: starts a Redis and two workers of its own, fills them with executions of all kinds, and makes
// the pictures of docs/console.md. Needs a build, redis-server and Chromium.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type BuiltWorker, startWorker } from '../bench/harness/built-worker.ts';
import { openChromium } from '../bench/harness/chromium.ts';
import { startRedis } from '../bench/harness/redis.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'docs', 'console');
const SIZE = { width: 1320, height: 860 };
const PHONE = { width: 390, height: 844 };

const CODE: Readonly<Record<string, string>> = {
  'invoices/nightly': `export default async ({ customers }, context) => {
  for (let done = 1; done <= customers; done++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    context.progress(done / customers, 'invoice ' + done + ' of ' + customers);
    if (done % 5 === 0) context.logger.info('sent', { invoice: 1000 + done });
  }
  return { sent: customers };
}`,
  'report/weekly': `export default ({ weeks }) => {
  let sum = 0;
  for (let n = 0; n < 4e6 * weeks; n++) sum += Math.sqrt(n);
  console.log('\\u001b[32mdone\\u001b[0m in', weeks, 'weeks');
  return { weeks, sum: Math.round(sum) };
}`,
  'import/orders': `export default ({ file }) => {
  console.warn('row 17 has no price, left out');
  if (file.endsWith('7')) throw new TypeError('Cannot read properties of undefined (reading "price") in ' + file);
  return { rows: 1200 };
}`,
  'sync/crm': `export default () => new Promise((resolve) => setTimeout(() => resolve('in step'), 80))`,
  'export/orders': `export default async ({ day }, { artifacts, logger }) => {
  const rows = ['id,sku,count', ...Array.from({ length: 400 }, (_, n) => n + ',apple,' + (n % 7))];
  await artifacts.write('orders-' + day + '.csv', rows.join('\\n'));
  await artifacts.write('summary.json', JSON.stringify({ day, rows: rows.length - 1 }));
  logger.info('exported', { rows: rows.length - 1 });
  return { rows: rows.length - 1 };
}`,
  'thumbnails/make': `export default ({ size }) => { if (size > 90) while (true); return size }`,
};

const FILES = [
  {
    'workflows/greet.ts': `import { polite } from '../lib/words.ts';\n\nexport default ({ name }: { name: string }) => polite(name);\n`,
    'lib/words.ts': `export const polite = (name: string): string => \`Hello, \${name}\`;\n`,
  },
  {
    'workflows/greet.ts': `import { polite } from '../lib/words.ts';\n\nexport default ({ name }: { name: string }) => polite(name);\n`,
    'lib/words.ts': `export const polite = (name: string): string => \`Hello, dear \${name}\`;\n`,
    'workflows/charge.ts': `import { priceOf } from '../lib/prices.ts';\n\ninterface Order {\n  items: { sku: string; count: number }[];\n}\n\n/** Charges an order: the sum of what its items cost. */\nexport default async function charge(order: Order, context: { logger: Console }) {\n  context.logger.info('charging', { items: order.items.length });\n  const total = order.items.reduce((sum, item) => sum + item.count * priceOf(item.sku), 0);\n  return { total, currency: 'EUR' };\n}\n`,
    'lib/prices.ts': `const PRICES: Record<string, number> = { apple: 0.4, pear: 0.6 };\n\nexport function priceOf(sku: string): number {\n  const price = PRICES[sku];\n  if (price === undefined) {\n    throw new RangeError(\`there is no price for \${sku}\`);\n  }\n  return price;\n}\n`,
  },
];

/** Of all kinds; one ticks often enough to have a history. */
const SCHEDULES: Readonly<Record<string, object>> = {
  'orders-export': {
    every: 4_000,
    overlap: 'skip',
    execution: {
      workflow_id: 'export/orders',
      workflow_code: `export default async ({ shop }, context) => {
  const startedAt = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 260));
  if (Math.random() < 0.12) throw new Error('the shop ' + shop + ' answered 503');
  context.logger.info('exported', { shop });
  return { shop, ms: Date.now() - startedAt };
}`,
      function_name: 'default',
      parameters: { shop: 'eu-central' },
      timeout_seconds: 60,
    },
  },
  'nightly-invoices': {
    cron: '0 2 * * *',
    tz: 'Europe/Berlin',
    overlap: 'skip',
    execution: { file_path: 'workflows/greet.ts', function_name: 'default', attempts: 3, backoff: 60_000 },
  },
  'weekly-report': {
    cron: '30 7 * * 1',
    tz: 'America/New_York',
    missed: 'all',
    overlap: 'queue',
    execution: { file_path: 'workflows/greet.ts', function_name: 'default' },
  },
  'warehouse-sync': { every: 900_000, overlap: 'cancel', execution: { file_path: 'workflows/greet.ts' } },
  'month-end': { cron: '0 23 28-31 * *', tz: 'Asia/Tokyo', task: { code: 'console.log("closing")' } },
};

const ORGANIZATIONS: Readonly<Record<string, object>> = {
  acme: {
    weight: 3,
    max_running: 6,
    quotas: { executions: { limit: 600 }, cpu_seconds: { limit: 20, action: 'slow' } },
  },
  globex: { rate: { executions: 500, per_seconds: 60 }, quotas: { executions: { limit: 3500 } } },
  initech: { max_running: 2 },
};

const TOKENS: readonly object[] = [
  { name: 'dashboard of the office', role: 'read' },
  { name: 'shop of acme', role: 'submit', organizations: ['acme'] },
  { name: 'deployments', role: 'operate', expires_at: '2027-06-30T00:00:00Z' },
];

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-console-'));
  const redis = await startRedis({ persistent: false });
  const workers: BuiltWorker[] = [];
  const start = async (id: string, roles: string): Promise<BuiltWorker> => {
    const worker = await startWorker(id, {
      // The registry that this machine's npm uses, too.
      ...(process.env as Record<string, string>),
      REDIS_URL: redis.url,
      ROLES: roles,
      ARCHIVE_DIR: join(folder, 'archive'),
      ARTIFACTS_DIR: join(folder, 'artifacts'),
      PACKAGES_DIR: join(folder, 'packages', id),
      CONCURRENCY: '4',
      PORT: '0',
      LOG_FORMAT: 'json',
    });
    workers.push(worker);
    return worker;
  };
  let browser: Browser | undefined;
  try {
    const { url } = await start('eu-west-1', 'worker,api,archive');
    await start('eu-west-2', 'worker');
    const api = apiOf(url);
    await fillOnce(api);
    const chrome = await openChromium();
    browser = chrome;
    const feeding = feed(api);
    const taken = pause(45_000).then(() => takePictures(chrome, url, api));
    await Promise.all([feeding.ended, taken.finally(feeding.stop)]);
  } finally {
    await browser?.close();
    await Promise.all(workers.map((worker) => worker.stop()));
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Api = <T>(path: string, options?: { method?: string; body?: unknown }) => Promise<T>;

const apiOf =
  (url: string): Api =>
  async (path, { method, body } = {}) => {
    const response = await fetch(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as never;
  };

async function fillOnce(api: Api): Promise<void> {
  await api('/packages', {
    method: 'PUT',
    body: { content: '# tools of all workflows\nlodash@4.17.21\nzod@^4\n' },
  });
  for (const [id, organization] of Object.entries(ORGANIZATIONS))
    await api(`/organizations/${id}`, { method: 'PUT', body: organization });
  for (const body of TOKENS) await api('/tokens', { body });
  for (const [id, schedule] of Object.entries(SCHEDULES))
    await api(`/schedules/${id}`, { method: 'PUT', body: schedule });
  await api('/schedules/warehouse-sync/pause', { method: 'POST' });
  const messages = ['First workflows', 'Charge orders, greet more warmly'];
  for (const [index, files] of FILES.entries())
    await api('/workspace', { method: 'PUT', body: { files, message: messages[index], author: 'ada' } });
}

/** Asks for executions of all kinds, a few each second, until it is stopped. */
function feed(api: Api): { stop: () => void; ended: Promise<void> } {
  const over = new AbortController();
  const names = Object.keys(CODE);
  const run = async (): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n++) {
      const name = names[(n * 7 + Math.floor(n / 3)) % names.length] as string;
      await api('/executions', {
        body: {
          workflow_id: name,
          workflow_code: CODE[name],
          function_name: 'default',
          timeout_seconds: name === 'thumbnails/make' ? 1 : 30,
          parameters: {
            customers: 20 + (n % 30),
            weeks: 1 + (n % 4),
            file: `orders-${n % 8}`,
            size: (n * 7) % 97,
            day: '2026-11-' + String(10 + (n % 18)),
          },
          organization: { id: n % 3 === 0 ? 'acme' : 'globex' },
          tags: n % 4 === 0 ? ['nightly'] : [],
        },
      });
      if (n % 25 === 24)
        await api('/executions', {
          body: { workflow_id: 'report/monthly', workflow_code: '1', delay: 3_600_000 * (1 + (n % 3)) },
        });
      await pause(170);
    }
  };
  return { stop: () => over.abort(), ended: run() };
}

async function takePictures(browser: Browser, url: string, api: Api): Promise<void> {
  mkdirSync(OUT, { recursive: true });
  const open = async (theme: 'light' | 'dark', viewport = SIZE): Promise<Page> =>
    (await browser.newContext({ viewport, colorScheme: theme })).newPage();
  const light = await open('light');
  const shoot = async (page: Page, name: string): Promise<void> => {
    await page.screenshot({ path: join(OUT, `${name}.png`) });
    shrink(join(OUT, `${name}.png`));
  };
  const visit = async (page: Page, path: string, sign: string): Promise<void> => {
    await page.goto(url + path);
    await page.getByText(sign).first().waitFor();
    await pause(2_500);
  };
  await visit(light, '/', 'Slots in use');
  await pause(8_000);
  await shoot(light, 'overview');
  await visit(light, '/console/executions', 'live');
  await shoot(light, 'executions');
  const failed = await run(api, {
    file_path: 'workflows/charge.ts',
    function_name: 'default',
    workflow_id: 'orders/charge',
    parameters: {
      items: [
        { sku: 'apple', count: 3 },
        { sku: 'mango', count: 1 },
      ],
    },
    tags: ['checkout'],
  });
  await visit(light, `/console/executions/${failed}`, 'RangeError');
  await shoot(light, 'execution-failed');
  const busy = await api<{ execution_id: string }>('/executions', {
    body: {
      workflow_id: 'invoices/nightly',
      workflow_code: CODE['invoices/nightly']?.replace('60', '250'),
      function_name: 'default',
      parameters: { customers: 60 },
      priority: 0,
    },
  });
  await visit(light, `/console/executions/${busy.execution_id}`, 'Progress');
  await pause(4_000);
  await shoot(light, 'execution');
  await api('/queue/pause', { method: 'POST' });
  await pause(1_500);
  await visit(light, '/console/queue', 'queue paused');
  await shoot(light, 'queue');
  await api('/queue/resume', { method: 'POST' });
  await visit(light, '/console/schedules', 'nightly-invoices');
  await shoot(light, 'schedules');
  await visit(light, '/console/schedules/orders-export', 'succeeded');
  await shoot(light, 'schedule');
  await light.getByRole('button', { name: 'Edit…' }).click();
  await pause(1_500);
  await shoot(light, 'schedule-edit');
  await visit(light, '/console/workers', 'Recycle runners');
  await shoot(light, 'workers');
  await visit(light, '/console/workspace?file=lib%2Fprices.ts', 'RangeError');
  await shoot(light, 'workspace');
  await visit(light, '/console/packages', 'Roll-out');
  await shoot(light, 'packages');
  await visit(light, '/console/playground', 'What the code has');
  await light.getByRole('button', { name: 'Run', exact: true }).click();
  await light.getByText('Returned value').waitFor();
  await shoot(light, 'playground');
  await visit(light, '/console/organizations', 'CPU time');
  await shoot(light, 'organizations');
  await visit(light, '/console/access', 'What was asked for');
  await shoot(light, 'access');
  await visit(light, '/console/settings', 'Health of this process');
  await shoot(light, 'settings');
  const dark = await open('dark');
  await visit(dark, '/', 'Slots in use');
  await pause(3_000);
  await shoot(dark, 'overview-dark');
  await visit(dark, `/console/executions/${failed}`, 'RangeError');
  await shoot(dark, 'execution-dark');
  const phone = await open('light', PHONE);
  await visit(phone, '/console/executions', 'live');
  await shoot(phone, 'phone');
}

async function run(api: Api, body: object): Promise<string> {
  const { execution_id: id } = await api<{ execution_id: string }>('/executions?wait=30', { body });
  return id;
}

/** Fewer colours make a picture a third of its size; without the tool it stays as it is. */
function shrink(path: string): void {
  try {
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--output', path, '64', path], {
      stdio: 'ignore',
    });
  } catch {
    // It is not installed, or could not make it smaller.
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

await main();
