import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { type PageReport, Reader } from './harness/reader.js';
import { stepsOf } from './harness/page-commands.js';
import { useDocsWorker } from './harness/docs-worker.js';

// `npm run test:docs`: every command of every page, as a reader would do it, in the order of the pages.
const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).toSorted()].filter(
  (page) => stepsOf(page).length > 0,
);
/** The fewest that must have been run and compared. */
const LEAST = 150;

const surroundings = useDocsWorker({ archive: true });
const reports = new Map<string, PageReport>();
let reader: Reader;

beforeAll(async () => {
  reader = new Reader(surroundings());
  await reader.prepare();
});
afterAll(() => reader.dispose());

describe('the commands of', () => {
  it.each(PAGES)(
    '%s do what the page says',
    async (page) => {
      const report = await reader.read(page);
      reports.set(page, report);
      expect(report.problems).toEqual([]);
    },
    600_000,
  );
});

it(`are at least ${LEAST}, and those that cannot run here say why`, () => {
  const run = [...reports.values()].reduce((sum, report) => sum + report.run, 0);
  const notRun = [...reports.values()].flatMap((report) => report.notRun);
  process.stdout.write(
    `${run} commands were run and compared, ${notRun.length} were not:\n${notRun.join('\n')}\n`,
  );
  expect(run).toBeGreaterThanOrEqual(LEAST);
});
