import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { emptyFolder } from '../support/archive-parts.js';
import {
  accessibilityFaults,
  type Misdeeds,
  useBrowser,
  watch,
  type WatchedPage,
} from '../support/processes/browser.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { S3_KEYS, startS3 } from '../support/servers/s3-server.js';
import { useRedis } from '../support/servers/test-redis.js';

const TOKEN = 'a-token-of-some-length-for-this-suite';
const ENDLESS = 'export default () => new Promise(() => setInterval(() => undefined, 1_000))';

// One worker with an archive serves all of it; another is there to be killed.
const redis = useRedis();
const startWorker = useWorkers();
const browser = useBrowser();
let folder = '';
let worker: WorkerProcess;
let doomed: WorkerProcess;
let context: BrowserContext;
let page: Page;
let misdeeds: Misdeeds;
/** A page that stays on the workers. */
let watching: WatchedPage;
/** Ends when that page has shown what became of the worker that was killed. */
let death: Promise<void>;

beforeAll(async () => {
  folder = await emptyFolder();
  const s3 = await startS3(join(folder, 's3'), ['bucket']);
  redis.onDispose(() => s3.close());
  // Also of the one that is killed, which may be the one that carries something out before.
  const bucket = {
    ARTIFACTS_S3_URL: `${s3.url}/bucket`,
    ARTIFACTS_S3_REGION: S3_KEYS.region,
    ARTIFACTS_S3_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
    ARTIFACTS_S3_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
  };
  [worker, doomed] = await Promise.all([
    startWorker({
      env: {
        REDIS_URL: redis.url,
        ROLES: 'worker,api,archive',
        ARCHIVE_DIR: folder,
        ...bucket,
        API_TOKEN: TOKEN,
        CONCURRENCY: '2',
        LOG_STREAM_LIMIT_BYTES: '100000000',
        WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
        WEBHOOK_ALLOW: '127.0.0.1:*',
      },
      args: ['--id', 'w1'],
    }),
    startWorker({
      env: { REDIS_URL: redis.url, ROLES: 'worker', CONCURRENCY: '1', ...bucket },
      args: ['--id', 'w2'],
    }),
  ]);
  context = await browser.open(worker.url);
  ({ page, misdeeds } = await watch(context, worker.url));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => expect(misdeeds).toEqual({ errors: [], violations: [], foreign: [] }));

const api = async <T>(path: string, body?: object, method = body ? 'POST' : 'GET'): Promise<T> => {
  const response = await fetch(worker.url + path, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as T;
};
const submit = async (body: object, wait = 0): Promise<string> =>
  (await api<{ execution_id: string }>(`/executions?wait=${wait}`, { function_name: 'default', ...body }))
    .execution_id;
const shows = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();
const isGone = (text: string): Promise<void> => page.getByText(text).first().waitFor({ state: 'hidden' });
const press = (name: string | RegExp): Promise<void> =>
  page.getByRole('button', { name, exact: typeof name === 'string' }).click();

describe('a session', () => {
  it('begins with the token, which no script can read afterwards', async () => {
    await page.goto('/');
    await page.getByLabel('Token').fill('not-the-token-of-this-worker');
    await press('Log in');
    await shows('This is not the token of the worker.');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('Token').fill(TOKEN);
    await press('Log in');
    await shows('Slots in use');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(cookie?.value).not.toContain(TOKEN);
    expect(await page.evaluate<string>('document.cookie + JSON.stringify(localStorage)')).not.toContain(
      TOKEN,
    );
  });

  it('changes nothing from the page of another origin', async () => {
    const [{ name, value } = { name: '', value: '' }] = await context.cookies();
    const send = async (headers: Record<string, string>): Promise<number> =>
      (
        await fetch(`${worker.url}/queue/pause`, {
          method: 'POST',
          headers: { cookie: `${name}=${value}`, ...headers },
        })
      ).status;
    expect(await send({})).toBe(403);
    expect(await send({ 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await send({ 'sec-fetch-site': 'cross-site', 'x-bifrost-console': '1' })).toBe(403);
    expect(await api('/queue')).toMatchObject({ paused: false });
  });

  it('loads at most 150 KB of JavaScript for the first page', async () => {
    await page.reload();
    await shows('Slots in use');
    const bytes = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.endsWith('.js'))
        .map(({ encodedBodySize }) => encodedBodySize),
    );
    expect(bytes.length).toBeGreaterThan(0);
    expect(Math.min(...bytes)).toBeGreaterThan(0);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150 * 1024);
  });
});

describe('a worker', () => {
  it('that is killed was there before', async () => {
    watching = await watch(context, worker.url);
    await watching.page.goto('/console/workers');
    await watching.page.getByRole('region', { name: 'Worker w2' }).getByText('active').waitFor();
    await watching.page.getByText('2 are alive').waitFor();
    // A page behind another draws once a second, and what is pressed there waits for that.
    await page.bringToFront();
    await doomed.kill9();
    const gone = watching.page.getByRole('region', { name: 'Worker w2' });
    // While other cases go on: it takes its lease ten seconds to end, and its record half a minute.
    death = (async () => {
      await gone.getByText('gone', { exact: true }).waitFor();
      await watching.page.getByText('1 is alive').waitFor();
      await gone.waitFor({ state: 'hidden' });
    })();
    death.catch(() => undefined);
  });
});

describe('the playground', () => {
  it('runs what is written there, and shows its log and what it returned', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('y');
    const code = page.getByRole('textbox', { name: 'Code', exact: true });
    await code.click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(
      'export default ({ name }) => {\n  console.log(`printed for ${name}`);\n  return { greeting: `hello ${name}` };\n}',
    );
    await page.getByLabel('Parameters, as JSON').fill('{ "name": "Ada" ');
    await press('Run');
    await shows('The parameters are not JSON');
    await page.getByLabel('Parameters, as JSON').fill('{ "name": "Ada" }');
    await code.click();
    await page.keyboard.press('ControlOrMeta+Enter');
    await shows('printed for Ada');
    await shows('"hello Ada"');
    await shows('succeeded');
  });
});

describe('an execution', () => {
  it('is cancelled, and run again as a new one that names it', async () => {
    const id = await submit({ workflow_code: ENDLESS, timeout_seconds: 300 });
    await page.goto(`/console/executions/${id}`);
    await shows(/^Attempt 1 started/);
    await press('Cancel');
    await shows('CANCELLED');
    await shows('cancelled from the console');
    await press('Run again…');
    await page.getByLabel('Other parameters, as JSON').fill('{ "n": 2 }');
    await press('Run again');
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await shows(/^Attempt 1 started/);
    await press('Cancel');
    await shows('CANCELLED');
    await page.getByRole('link', { name: new RegExp(`again of.*${id}`) }).click();
    await page.waitForURL((url) => url.pathname.endsWith(id));
  });

  it('shows a log of 50,000 lines by drawing few of them', async () => {
    const code = `export default () => { for (let n = 1; n <= 50_000; n++) console.log('line ' + n) }`;
    const id = await submit({ workflow_code: code }, 60);
    await page.goto(`/console/executions/${id}`);
    await shows(/complete · 50,00\d lines/);
    await shows('line 50000');
    const log = page.getByRole('log', { name: 'Log' });
    expect(await log.locator('.line').count()).toBeLessThan(120);
    await log.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await shows('line 25000');
    await page.getByPlaceholder('Search the log').fill('line 1234');
    await shows('1 of 11');
    await log.locator('mark', { hasText: 'line 1234' }).first().waitFor();
  });
});

describe('the list', () => {
  it('has its filters in the address, which another page opens with', async () => {
    await submit({ workflow_id: 'other', workflow_code: 'export default () => 1' }, 60);
    const cancelled = await submit({ workflow_code: ENDLESS, delay: 3_600_000 });
    await api(`/executions/${cancelled}`, undefined, 'DELETE');
    await page.goto('/console/executions');
    const chips = page.getByRole('group', { name: 'Status' });
    await chips.getByRole('button', { name: 'cancelled' }).click();
    const list = page.getByRole('list', { name: 'Executions' });
    await list.getByText('CANCELLED').first().waitFor();
    await list.getByText('other').waitFor({ state: 'hidden' });
    expect(page.url()).toContain('status=cancelled');
    const second = await watch(context, worker.url);
    await second.page.goto(page.url());
    await second.page.getByRole('list', { name: 'Executions' }).getByText('CANCELLED').first().waitFor();
    expect(
      await second.page.getByRole('button', { name: 'cancelled', exact: true }).getAttribute('aria-pressed'),
    ).toBe('true');
    expect(second.misdeeds).toEqual({ errors: [], violations: [], foreign: [] });
    await second.page.close();
    await page.bringToFront();
  });

  it('shows what begins and ends while it is open, and cancels it after a dry run', async () => {
    await page.goto('/console/executions?workflow=bulk');
    await shows('Nothing matches these filters');
    for (let n = 0; n < 3; n++)
      await submit({ workflow_id: 'bulk', workflow_code: ENDLESS, timeout_seconds: 300 });
    const list = page.getByRole('list', { name: 'Executions' });
    await list.getByText('running').nth(1).waitFor();
    await list.getByText('queued').waitFor();
    await press('Cancel…');
    await shows('3 executions that run or wait will be cancelled.');
    await press('Cancel 3');
    await shows('3 executions cancelled.');
    await press('Close');
    await list.getByText('cancelled').nth(2).waitFor();
  });
});

describe('many executions', () => {
  it('are found by a filter that was saved, picked, and deleted after a dry run', async () => {
    for (let n = 0; n < 3; n++)
      await submit(
        { execution_id: `pick-${n}`, workflow_id: 'picked', workflow_code: 'export default () => 1' },
        60,
      );
    await page.goto('/console/executions?workflow=picked');
    const list = page.getByRole('list', { name: 'Executions' });
    await list.getByText('succeeded').nth(2).waitFor();
    await press('Save…');
    await page.getByLabel('Name, kept in this browser').fill('Mine <b>');
    await press('Save');
    await page.goto('/console/executions');
    await page.getByRole('list', { name: 'Saved filters' }).getByRole('link', { name: 'Mine <b>' }).click();
    await page.waitForURL('**/executions?workflow=picked');
    await list.getByText('succeeded').nth(2).waitFor();
    await page.getByRole('checkbox', { name: 'Pick pick-0' }).check();
    await page.keyboard.press('Escape');
    await page.getByRole('checkbox', { name: 'Pick pick-1' }).check();
    await shows('2 picked');
    await press('Delete…');
    await shows('2 executions will be deleted for good');
    expect(await accessibilityFaults(page)).toEqual([]);
    await press('Delete 2');
    await shows('2 executions deleted.');
    await press('Done');
    await list.getByText('pick-0').waitFor({ state: 'hidden' });
    await list.getByText('pick-2').waitFor();
    expect(await api('/executions/pick-1')).toMatchObject({ status: 404 });
    expect(await api('/executions/pick-2')).toMatchObject({ status: 'succeeded' });
    await page.getByRole('button', { name: 'Remove the filter Mine <b>' }).click();
    await page.getByRole('list', { name: 'Saved filters' }).waitFor({ state: 'hidden' });
  });
});

describe('a schedule', () => {
  it('is set, run, changed, paused and removed', async () => {
    await page.goto('/console/schedules');
    await shows('There are no schedules yet');
    await press('New schedule');
    await page.getByLabel(/^Name: letters/).fill('nightly');
    await page.getByRole('button', { name: 'A snippet' }).click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Code', exact: true }).click();
    await page.keyboard.insertText('export default ({ n }) => `tick ${n}`;');
    await page.getByLabel('Parameters, as JSON').fill('{ "n": 1');
    await press('Set it');
    await shows('The parameters are not JSON');
    await page.getByLabel('Parameters, as JSON').fill('{ "n": 1 }');
    await page.getByLabel('Time zone', { exact: true }).fill('Europe/Nowhere');
    await press('Set it');
    await shows('must be an IANA time zone');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('Time zone', { exact: true }).fill('Europe/Berlin');
    await press('Set it');
    await page.waitForURL('**/console/schedules/nightly');
    await shows('It has not ticked yet');
    expect(
      await page
        .getByRole('listitem')
        .filter({ hasText: /, 02:00:00|, 0[01]:00:00/ })
        .count(),
    ).toBe(10);
    await press('Run now');
    await page.waitForURL('**/console/executions/nightly*');
    await shows('"tick 1"');
    await page.getByRole('link', { name: 'nightly', exact: true }).click();
    await page.waitForURL('**/console/schedules/nightly');
    await page.getByRole('link', { name: /succeeded.*nightly@/ }).waitFor();
    await press('Edit…');
    await page.getByRole('button', { name: 'Every so often' }).click();
    await page.getByLabel('Every', { exact: true }).fill('15');
    await page.getByLabel('Unit').selectOption('minutes');
    await press('Save');
    await shows('every 15 min');
    await press('Pause');
    await shows('None, while it is paused');
    expect(await api('/schedules/nightly')).toMatchObject({
      state: 'paused',
      every: 900_000,
      overlap: 'skip',
      execution: { function_name: 'default', parameters: { n: 1 } },
    });
    await press('Remove…');
    await press('Remove it');
    await shows('There are no schedules yet');
  });
});

describe('what an execution leaves', () => {
  it('is saved as a file, out of a bucket, and what became of its webhook is shown', async () => {
    const receiver = createServer((_request, response) => response.writeHead(410).end()).listen(
      0,
      '127.0.0.1',
    );
    await once(receiver, 'listening');
    redis.onDispose(() => void receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const id = await submit(
      {
        workflow_code: `export default (_, { artifacts }) => artifacts.write('a b.html', '<script>1</script>')`,
        webhook: { url: `http://127.0.0.1:${port}/hook?key=hidden` },
      },
      60,
    );
    await page.goto(`/console/executions/${id}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /a b\.html/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('a b.html');
    expect(await readFile(await download.path(), 'utf8')).toBe('<script>1</script>');
    // Other clients go to the bucket itself, by the link that the API has signed.
    const { artifacts } = await api<{ artifacts: { url: string }[] }>(`/executions/${id}/artifacts`);
    const link = artifacts[0]?.url ?? '';
    expect(await (await fetch(link)).text()).toBe('<script>1</script>');
    const deliveries = page.getByRole('region', { name: 'Deliveries of the webhook' });
    await deliveries.getByText('the receiver answered 410').waitFor();
    await deliveries.getByText(`http://127.0.0.1:${port}/hook`, { exact: true }).waitFor();
    await press('Delete…');
    await press('Delete it');
    await page.waitForURL('**/console/executions');
    expect(await api(`/executions/${id}`)).toMatchObject({ status: 404 });
    expect((await fetch(link)).status).toBe(404);
  });
});

describe('the queue', () => {
  it('is paused and resumed, and the reason of waiting follows', async () => {
    await page.goto('/console/queue');
    await shows('Nothing waits');
    await press('Pause');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    const ids = [];
    for (let n = 0; n < 4; n++) ids.push(await submit({ workflow_code: ENDLESS, timeout_seconds: 300 }));
    const reasons = page.getByRole('list', { name: 'Why they wait' });
    await reasons.getByText('queue paused', { exact: true }).waitFor();
    await press('Resume');
    await reasons.getByText('all runners busy').waitFor();
    await reasons.getByText('queue paused', { exact: true }).waitFor({ state: 'hidden' });
    for (const id of ids.toReversed()) await api(`/executions/${id}`, undefined, 'DELETE');
    await shows('Nothing waits');
  });
});

describe('the workers', () => {
  it('show one that was killed as gone, and later no more', async () => {
    await death;
    expect(watching.misdeeds).toEqual({ errors: [], violations: [], foreign: [] });
    await watching.page.close();
  });

  it('are paused and resumed', async () => {
    await page.goto('/console/workers');
    await press('Pause');
    await page.getByRole('region', { name: 'Worker w1' }).getByText('paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
  });
});

describe('every page', () => {
  const PAGES = [
    ['/', 'Slots in use'],
    ['/console/executions', 'live'],
    ['/console/executions/bad', 'What to do'],
    ['/console/queue', 'What waits'],
    ['/console/schedules', 'If ticks were missed'],
    ['/console/schedules/hourly', 'Next times'],
    ['/console/workers', 'Recycle runners'],
    ['/console/workspace?file=a.ts', 'Changed since 1'],
    ['/console/packages', 'Roll-out'],
    ['/console/organizations', 'CPU time'],
    ['/console/access', 'What was asked for'],
    ['/console/playground', 'What the code has'],
    ['/console/settings', 'Health of this process'],
  ] as const;

  beforeAll(async () => {
    const files = { 'a.ts': 'export default (n: number) => {\n  throw new RangeError(`not ${n}`);\n};\n' };
    await api('/workspace', { files, message: 'First' }, 'PUT');
    await api(
      '/workspace',
      { files: { ...files, 'b.ts': 'export const b = 1;\n' }, message: 'Second' },
      'PUT',
    );
    await api('/packages', { content: '# none yet\n' }, 'PUT');
    await submit({ execution_id: 'bad', file_path: 'a.ts', attempts: 2 }, 60);
    await api('/organizations/acme', { max_running: 2, quotas: { executions: { limit: 100 } } }, 'PUT');
    await submit({ execution_id: 'later', workflow_code: '1', delay: 3_600_000 });
    await api('/schedules/hourly', { cron: '0 * * * *', execution: { file_path: 'a.ts' } }, 'PUT');
    // The playground with the text that it begins with, which is long enough to be scrolled.
    await page.evaluate('sessionStorage.clear()');
  });

  it('shows where in the workspace an error was thrown', async () => {
    await page.goto('/console/executions/bad');
    await page.locator('.source .here', { hasText: 'throw new RangeError' }).waitFor();
  });

  it('fits on a phone, and has no fault that axe knows, light or dark', async () => {
    const faults: Record<string, string[]> = {};
    for (const [path, sign] of PAGES) {
      await page.setViewportSize({ width: 390, height: 800 });
      await page.goto(path);
      await shows(sign);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
      await page.setViewportSize({ width: 1280, height: 900 });
      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await page.locator(`html[data-theme="${theme}"]`).waitFor();
        const found = await accessibilityFaults(page);
        if (found.length > 0) faults[`${path}, ${theme}`] = found;
      }
    }
    expect(faults).toEqual({});
  });

  it('is reached by keys, which ? shows', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.waitForURL('**/console/executions');
  });
});

describe('what is hostile', () => {
  const LINES = [
    '<script>globalThis.wasRun = 1</script><img src=x onerror="globalThis.wasRun = 1">',
    '\u001b[31mred\u001b[0m and \u001b]8;;javascript:globalThis.wasRun=1\u0007a link\u001b]8;;\u0007',
    'javascript:globalThis.wasRun=1 and https://example.org/safe?a=1.',
    'abc\u202edef\u2066ghi\u200b',
  ];
  const [MARKUP = '', , , BIDI = ''] = LINES;
  const ID = 'x"><img/src=x/onerror=alert(1)>';
  const SCHEDULE = `${MARKUP}\u202e`;
  let tick = '';

  beforeAll(async () => {
    const files = { 'a.ts': `// ${LINES.join('\n// ')}\nexport default 1;\n` };
    await api('/workspace', { files, message: MARKUP + BIDI, author: MARKUP }, 'PUT');
    await api('/packages', { content: `# ${MARKUP}${BIDI}\n` }, 'PUT');
    const code = `export default ({ hostile }) => {
      for (const line of hostile) console.log(line);
      console.log('x'.repeat(10_000_000));
      const error = new Error(hostile.join('\\n'));
      error.detail = hostile;
      throw error;
    }`;
    const common = {
      workflow_id: MARKUP,
      tags: [MARKUP, BIDI],
      caller: { email: MARKUP },
      organization: { id: MARKUP },
    };
    await api('/tokens', { name: MARKUP, role: 'read' });
    await submit({ execution_id: ID, ...common, parameters: { hostile: LINES }, workflow_code: code }, 90);
    await submit({ ...common, workflow_code: '1', delay: 3_600_000 });
    const queue = new Queue('bifrost-executions', { connection: redis.connect() });
    redis.onDispose(() => queue.close());
    const data = { code: `// ${LINES.join('\n// ')}\nthrow new Error(${JSON.stringify(BIDI)})` };
    await queue.upsertJobScheduler(SCHEDULE, { pattern: '0 0 1 1 *' }, { name: 'task', data });
    const path = `/schedules/${encodeURIComponent(SCHEDULE)}/run`;
    tick = (await api<{ execution_id: string }>(path, {})).execution_id;
    await api(`/executions/${encodeURIComponent(tick)}?wait=60`);
  });

  const isHarmless = async (): Promise<void> => {
    expect(await page.evaluate(() => 'wasRun' in globalThis)).toBe(false);
    // The editor puts images without a source beside characters that it replaces.
    const made = page.locator('main img:not(.cm-widgetBuffer), main script, main iframe, main object');
    expect(await made.count()).toBe(0);
    expect(await page.locator('a[href^="javascript:" i]').count()).toBe(0);
    // Also in the shadow trees of editors.
    const raw = await page.evaluate(`(() => {
      const texts = [document.body.innerText, document.title];
      for (const element of document.querySelectorAll('*'))
        if (element.shadowRoot) texts.push(element.shadowRoot.textContent);
      return texts.join('\\n').match(/[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\u001b]/g);
    })()`);
    expect([page.url(), raw]).toEqual([page.url(), null]);
  };

  it('is text on the page of its execution, with the colours that it asks for', async () => {
    await page.goto(`/console/executions/${encodeURIComponent(ID)}`);
    await shows('complete');
    const log = page.getByRole('log', { name: 'Log' });
    await press('Follow');
    await log.evaluate((element) => (element.scrollTop = 0));
    await log.getByText('<script>globalThis.wasRun = 1</script>').waitFor();
    await log.locator('.ansi-1', { hasText: 'red' }).waitFor();
    await log
      .getByText(/\d,\d\d\d more characters/)
      .first()
      .waitFor();
    for (const name of ['U+202E', 'U+2066', 'U+200B']) await log.getByText(name).waitFor();
    const links = await page
      .locator('main a[target]')
      .evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]));
    expect(links.length).toBeGreaterThan(0);
    for (const link of links)
      expect(link).toEqual(['https://example.org/safe?a=1', 'noopener noreferrer nofollow']);
    await isHarmless();
  });

  it('is text on every other page', async () => {
    const pages: [path: string, sign: string | RegExp][] = [
      ['/', 'x"><img'],
      ['/console/executions', 'x"><img'],
      [
        `/console/executions?workflow=${encodeURIComponent(MARKUP)}&text=%3Cimg%20src%3Dx%3E`,
        /Nothing matches|x"><img/,
      ],
      ['/console/queue', 'scheduled delay'],
      ['/console/schedules', 'of a producer'],
      [`/console/schedules/${encodeURIComponent(SCHEDULE)}`, 'What each tick runs'],
      [`/console/executions/${encodeURIComponent(tick)}`, 'What to do'],
      ['/console/workers', 'Recycle runners'],
      ['/console/workspace?file=a.ts', 'Changed since'],
      ['/console/packages', 'Roll-out'],
      ['/console/organizations', '<script>globalThis'],
      ['/console/access', '<script>globalThis'],
      ['/console/settings', 'Health of this process'],
      [`/console/${encodeURIComponent(MARKUP)}`, 'There is no such page'],
      [`/console/executions/${encodeURIComponent(`${MARKUP}never`)}`, /Not found|could not be read/],
    ];
    for (const [path, sign] of pages) {
      await page.goto(path);
      await shows(sign);
      await isHarmless();
    }
  });

  it('is text in the playground, also as a value of megabytes', async () => {
    await page.goto('/console/playground');
    const code = page.getByRole('textbox', { name: 'Code', exact: true });
    await code.click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(
      `export default ({ hostile }) => {\n  console.log(hostile.join('\\n'));\n  return { hostile, much: 'y'.repeat(3_000_000) };\n}`,
    );
    await page.getByLabel('Parameters, as JSON').fill(JSON.stringify({ hostile: LINES }));
    await press('Run');
    await shows('Returned value');
    await shows(/is left out|more characters/);
    await isHarmless();
  });
});

describe('a token with a role', () => {
  const enter = async (request: object): Promise<WatchedPage> => {
    const { token } = await api<{ token: string }>('/tokens', request);
    const entered = await watch(await browser.open(worker.url), worker.url);
    await entered.page.goto('/');
    await entered.page.getByLabel('Token').fill(token);
    await entered.page.getByRole('button', { name: 'Log in' }).click();
    await entered.page.getByText('Wait before the start').waitFor();
    return entered;
  };
  const menuOf = ({ page: own }: WatchedPage): Promise<string[]> =>
    own.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
  const leave = async ({ page: own, misdeeds: done }: WatchedPage): Promise<void> => {
    expect(done).toEqual({ errors: [], violations: [], foreign: [] });
    await own.context().close();
  };

  it('that may only read is shown nothing that it could do', async () => {
    const reader = await enter({ name: 'a reader', role: 'read' });
    await reader.page.getByText('a reader, read').waitFor();
    expect(await menuOf(reader)).toEqual([
      'Overview',
      'Executions',
      'Queue',
      'Schedules',
      'Organizations',
      'Workers',
      'Workspace',
      'Packages',
      'Settings',
    ]);
    for (const [path, sign] of [
      ['/console/executions', 'live'],
      ['/console/executions/bad', 'What to do'],
      ['/console/queue', 'What waits'],
      ['/console/schedules/hourly', 'Next times'],
      ['/console/workers', 'Host'],
    ] as const) {
      await reader.page.goto(path);
      await reader.page.getByText(sign).first().waitFor();
      const verbs = /^(Run|Cancel|Delete|Pause|Resume|Recycle|Drain|Edit|Remove|New)/;
      expect([path, await reader.page.locator('main').getByRole('button', { name: verbs }).count()]).toEqual([
        path,
        0,
      ]);
    }
    await reader.page.goto('/console/playground');
    await reader.page.getByText('This token may not see this page').waitFor();
    await leave(reader);
  });

  it('and of an organization sees what belongs to that, and none of what all share', async () => {
    await submit(
      { execution_id: 'of-acme', organization: { id: 'acme' }, workflow_code: 'export default () => 1' },
      60,
    );
    const member = await enter({ name: 'acme', role: 'submit', organizations: ['acme'] });
    expect(await menuOf(member)).toEqual([
      'Overview',
      'Executions',
      'Schedules',
      'Organizations',
      'Packages',
      'Playground',
    ]);
    await member.page.goto('/console/executions');
    const list = member.page.getByRole('list', { name: 'Executions' });
    await list.getByText('of-acme').waitFor();
    expect(await list.getByRole('listitem').count()).toBe(1);
    await member.page.goto('/console/executions/bad');
    await member.page.getByText('Not found').waitFor();
    await member.page.goto('/console/workers');
    await member.page.getByText('This token may not see this page').waitFor();
    await leave(member);
  });

  it('is made and revoked by an admin, and caps and quotas are set', async () => {
    await page.goto('/console/access');
    await press('New token');
    await page.getByLabel('Name: what it is for').fill('of the test');
    await page.getByLabel('Role').selectOption('operate');
    await press('Make it');
    await shows('Copy it now: it cannot be shown again.');
    expect(await accessibilityFaults(page)).toEqual([]);
    await press('Done');
    await page.getByRole('button', { name: 'Revoke of the test' }).click();
    await press('Revoke it');
    await page.getByRole('row', { name: /of the test operate/ }).waitFor({ state: 'hidden' });
    await page.goto('/console/organizations');
    await page.getByRole('button', { name: 'Edit acme' }).click();
    await page.getByLabel('Share, beside those of others that wait').fill('3');
    await page.getByLabel('CPU seconds a day').fill('60');
    expect(await accessibilityFaults(page)).toEqual([]);
    await press('Save');
    await shows(/of 1 m 00 s/);
    expect(await api('/organizations/acme')).toMatchObject({
      weight: 3,
      max_running: 2,
      quotas: { executions: { limit: 100, action: 'refuse' }, cpu_seconds: { limit: 60 } },
    });
  });
});

describe('without a connection', () => {
  it('says so, keeps what it shows, and goes on by itself', async () => {
    await page.goto('/console/executions?workflow=offline');
    await shows('Nothing matches these filters');
    await page.goto('/');
    await shows('Slots in use');
    await context.setOffline(true);
    await shows('The worker does not answer.');
    await shows('Slots in use');
    await context.setOffline(false);
    await isGone('The worker does not answer.');
  });

  it('asks for the token again once the session is over', async () => {
    await context.clearCookies();
    await shows('This worker wants its token');
  });
});

describe('the documentation', () => {
  it('is read and searched without a session, under the policy of the console', async () => {
    await context.clearCookies();
    await page.goto('/docs');
    await page.waitForURL('**/docs/');
    await page.keyboard.press('/');
    await page.keyboard.type('drain kubernetes');
    await page.getByRole('option').filter({ hasText: 'Kubernetes › Drain' }).getByRole('link').click();
    await page.waitForURL('**/docs/kubernetes.html#drain');
    await shows('terminationGracePeriodSeconds');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto('/docs/api.html');
    await shows('POST /executions/batch');
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto('/docs/tutorial.html');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });
});
