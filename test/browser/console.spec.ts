import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { emptyFolder } from '../support/archive-parts.js';
import { accessibilityFaults, type Misdeeds, useBrowser, watch } from '../support/processes/browser.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { useRedis } from '../support/servers/test-redis.js';

const TOKEN = 'a-token-of-some-length-for-this-suite';
const ENDLESS = 'export default () => new Promise(() => setInterval(() => undefined, 1_000))';

// One worker with an archive serves all of it.
const redis = useRedis();
const startWorker = useWorkers();
const browser = useBrowser();
let folder = '';
let worker: WorkerProcess;
let context: BrowserContext;
let page: Page;
let misdeeds: Misdeeds;

beforeAll(async () => {
  folder = await emptyFolder();
  worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      ROLES: 'worker,api,archive',
      ARCHIVE_DIR: folder,
      API_TOKEN: TOKEN,
      CONCURRENCY: '2',
    },
    args: ['--id', 'w1'],
  });
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

  it('shows what code printed as text, whatever it is', async () => {
    const hostile = [
      '<script>globalThis.wasRun = 1</script><img src=x onerror="globalThis.wasRun = 1">',
      '\u001b[31mred\u001b[0m and \u001b]8;;javascript:globalThis.wasRun=1\u0007a link\u001b]8;;\u0007',
      'javascript:globalThis.wasRun=1 and https://example.org/safe?a=1.',
      'abc\u202edef\u2066ghi\u200b',
    ];
    const id = await submit(
      {
        execution_id: 'x"><img/src=x/onerror=alert(1)>',
        workflow_id: hostile[0],
        tags: [hostile[0], hostile[3]],
        parameters: { hostile },
        workflow_code: `export default ({ hostile }) => {
          for (const line of hostile) console.log(line);
          console.log('x'.repeat(1_000_000));
          const error = new Error(hostile.join('\\n'));
          error.detail = hostile;
          throw error;
        }`,
      },
      60,
    );
    await page.goto(`/console/executions/${encodeURIComponent(id)}`);
    await shows('complete');
    const log = page.getByRole('log', { name: 'Log' });
    await log.getByText('<script>globalThis.wasRun = 1</script>').waitFor();
    await log.locator('.ansi-1', { hasText: 'red' }).waitFor();
    await log
      .getByText(/[1-9]\d\d,\d\d\d more characters|[1-9]\d,\d\d\d more characters/)
      .first()
      .waitFor();
    for (const code of ['U+202E', 'U+2066', 'U+200B']) await log.getByText(code).waitFor();
    const links = await page
      .locator('main a[target]')
      .evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]));
    expect(links.length).toBeGreaterThan(0);
    for (const link of links)
      expect(link).toEqual(['https://example.org/safe?a=1', 'noopener noreferrer nofollow']);
    await page.goto('/console/executions');
    await page.getByRole('list', { name: 'Executions' }).getByText('x"><img').waitFor();
    expect(await page.evaluate(() => 'wasRun' in globalThis)).toBe(false);
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  it('shows a log of 20,000 lines by drawing few of them', async () => {
    const code = `export default () => { for (let n = 1; n <= 20_000; n++) console.log('line ' + n) }`;
    const id = await submit({ workflow_code: code }, 60);
    await page.goto(`/console/executions/${id}`);
    await shows(/complete · 20,00\d lines/);
    await shows('line 20000');
    const log = page.getByRole('log', { name: 'Log' });
    expect(await log.locator('.line').count()).toBeLessThan(120);
    await log.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await shows('line 10000');
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
    ['/console/workers', 'Recycle runners'],
    ['/console/workspace?file=a.ts', 'Changed since 1'],
    ['/console/packages', 'Roll-out'],
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
    await submit({ execution_id: 'later', workflow_code: '1', delay: 3_600_000 });
  });

  it('shows where in the workspace an error was thrown', async () => {
    await page.goto('/console/executions/bad');
    await page.locator('.source .here', { hasText: 'throw new RangeError' }).waitFor();
  });

  it.each(['light', 'dark'] as const)('has no fault that axe knows, %s', async (theme) => {
    await page.emulateMedia({ colorScheme: theme });
    const faults: Record<string, string[]> = {};
    for (const [path, sign] of PAGES) {
      await page.goto(path);
      await shows(sign);
      const found = await accessibilityFaults(page);
      if (found.length > 0) faults[path] = found;
    }
    expect(faults).toEqual({});
  });

  it('is reached by keys, which ? shows, and fits on a phone', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await page.waitForURL('**/console/executions');
    await page.setViewportSize({ width: 390, height: 800 });
    for (const [path, sign] of PAGES) {
      await page.goto(path);
      await shows(sign);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
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
