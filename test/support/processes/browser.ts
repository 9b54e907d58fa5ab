import { afterAll, beforeAll } from '@jest/globals';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireFreshConsole } from './built-worker.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** None of speed: it ends what will never happen, before jest's own limit would. */
const PATIENCE_MS = 150_000;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What a page did that it must not do. */
export interface Misdeeds {
  /** Errors in its console and in its code. */
  errors: string[];
  /** What its security policy stopped. */
  violations: string[];
  /** Addresses of other origins that it asked for. */
  foreign: string[];
}

/** A page that is watched. */
export interface WatchedPage {
  page: Page;
  misdeeds: Misdeeds;
}

/** The browsers of one suite: one process, which ends with the suite. */
export class TestBrowser {
  private browser: Browser | undefined;

  async start(): Promise<void> {
    this.browser = await chromium.launch({
      executablePath: chromiumPath(),
      // Root has no sandbox; the GPU would be drawn in software.
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  }

  async stop(): Promise<void> {
    await this.browser?.close();
  }

  /** A browser of its own, with nothing in its store, that shows pages of `url`. */
  async open(url: string, theme: 'light' | 'dark' = 'light'): Promise<BrowserContext> {
    if (!this.browser) throw new Error('the browser of this suite has not been started yet');
    const context = await this.browser.newContext({
      baseURL: url,
      colorScheme: theme,
      // Nothing moves, so nothing is measured on its way.
      reducedMotion: 'reduce',
      viewport: { width: 1280, height: 900 },
    });
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addInitScript(
      `document.addEventListener('securitypolicyviolation', (event) =>
        console.error('security policy: ' + event.violatedDirective + ' ' + event.blockedURI));`,
    );
    return context;
  }
}

/** Opens a page and notes from then on what it must not do. */
export async function watch(context: BrowserContext, origin: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const misdeeds: Misdeeds = { errors: [], violations: [], foreign: [] };
  page.on('pageerror', (error) => misdeeds.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const text = message.text();
    // The browser itself reports every answer that is an error; tests look at those where they matter.
    if (text.startsWith('Failed to load resource')) return;
    (text.startsWith('security policy') ? misdeeds.violations : misdeeds.errors).push(text);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'blob:' && url.origin !== origin) misdeeds.foreign.push(request.url());
  });
  return { page, misdeeds };
}

/** What axe finds against WCAG 2.2 AA on the page as it is shown, as lines; none is what is wanted. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const hasAxe = await page.evaluate(() => 'axe' in globalThis);
  // By the protocol of the browser and not as an element: the policy of the page does not take it.
  if (!hasAxe) await page.evaluate(await axeSource());
  return page.evaluate(async () => {
    const { axe, document } = globalThis as unknown as { axe: Axe; document: unknown };
    const { violations } = await axe.run(document, {
      resultTypes: ['violations'],
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
    );
  });
}

interface Axe {
  run: (
    root: unknown,
    options: object,
  ) => Promise<{
    violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
  }>;
}

let axe: Promise<string> | undefined;
const axeSource = (): Promise<string> =>
  (axe ??= import('node:fs/promises').then(({ readFile }) => readFile(AXE, 'utf8')));

/** @throws {Error} saying how to bring one. */
function chromiumPath(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of NAMES) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // It is not there.
      }
    }
  throw new Error('there is no Chromium on PATH: apt-get install -y chromium, or let npm test do it as root');
}

/** A browser for the suite that calls it. */
export function useBrowser(): TestBrowser {
  const browser = new TestBrowser();
  beforeAll(async () => {
    requireFreshConsole();
    await browser.start();
  });
  afterAll(() => browser.stop());
  return browser;
}
