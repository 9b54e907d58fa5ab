import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pick, randomOf } from '../../src/faults/seeded-random.js';
import { useDocsWorker } from './harness/docs-worker.js';
import { Reader } from './harness/reader.js';
import { type Step, stepsOf } from './harness/page-commands.js';

// A short part of `npm run test:docs`, which runs all pages: some sections that stand alone, as the seed says.
const SEED = Number(process.env['DOCS_SEED'] ?? 1);
const PAGES = ['docs/recipes.md', 'docs/troubleshooting.md', 'docs/failure-codes.md'];
const CHOSEN = 2;

const surroundings = useDocsWorker({ archive: false });
let reader: Reader;

beforeAll(async () => {
  reader = new Reader(surroundings());
  await reader.prepare();
});
afterAll(() => reader.dispose());

/** They need an archive, whose database would take longer to start than all the rest. */
const OF_THE_HISTORY = /\bbifrost (history|again|forget|stats|export)\b/;

/** What the page makes beforehand, and the sections that the seed picks, in their order. */
function sample(page: string, random: () => number): Step[] {
  const steps = stepsOf(page).filter(({ notRun }) => notRun === undefined);
  const ofHistory = new Set(
    steps.flatMap(({ commands, section }) => (OF_THE_HISTORY.test(commands.join('\n')) ? [section] : [])),
  );
  const sections = [
    ...new Set(steps.filter(({ isHidden }) => !isHidden).map(({ section }) => section)),
  ].filter((section) => !ofHistory.has(section));
  const chosen = new Set(Array.from({ length: CHOSEN }, () => pick(random, sections)));
  return steps.filter(({ section, isHidden }) => isHidden || chosen.has(section));
}

describe(`with the seed ${SEED}`, () => {
  const random = randomOf(SEED);
  it.each(PAGES.map((page) => [page, sample(page, random)] as const))(
    '%s does what it says',
    async (page, steps) => {
      const { problems, run } = await reader.read(page, steps);
      expect(problems).toEqual([]);
      expect(run).toBeGreaterThan(0);
    },
  );
});
