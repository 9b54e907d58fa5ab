import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Attack } from './support/attack.js';
import { Attacked, type Setup } from './support/attacked.js';

/** `npm run test:attacks` carries out everything; `npm test` the quick ones, with all layers and with none. */
const EVERYTHING = process.env['ATTACKS'] === 'all';
const NOBODY = 65_534;

const catalog = await Promise.all(
  globSync('*/*.ts', { cwd: join(import.meta.dirname, 'catalog') })
    .toSorted()
    .map(async (file) => {
      const { default: attack } = (await import(`./catalog/${file.replace(/\.ts$/, '.js')}`)) as {
        default: Attack;
      };
      return { name: basename(file, '.ts'), attack };
    }),
);
const chosen = catalog.filter(({ attack }) => EVERYTHING || attack.quick);

const users = EVERYTHING && process.getuid?.() === 0 ? [null, NOBODY] : [null];
const spawned: Setup[] = users.flatMap((uid) => [
  { level: 'process', layers: 'none', uid, start: 'spawn' },
  { level: 'namespace', layers: 'all', uid, start: 'spawn' },
  { level: 'namespace', layers: 'all', uid, start: 'spawn', addons: true },
  { level: 'process', layers: 'all', uid, start: 'spawn' },
  ...(EVERYTHING
    ? ([
        { level: 'namespace', layers: 'kernel', uid, start: 'spawn' },
        { level: 'process', layers: 'kernel', uid, start: 'spawn' },
      ] as const)
    : []),
]);
/** Runners that are forked, where they are: docs/runners.md. */
const forked: Setup[] = spawned
  .filter(({ level, layers, addons }) => level === 'namespace' && layers !== 'none' && !addons)
  .map((setup) => ({ ...setup, start: 'fork' }));
const setups = [...spawned, ...forked];

const titleOf = ({ level, layers, uid, start, addons }: Setup): string => {
  const what = {
    all: `level ${level}`,
    kernel: `level ${level} without Node's permission model`,
    none: 'no layer at all',
  };
  const how = `${addons ? ' and NATIVE_ADDONS=on' : ''}${start === 'fork' ? ', forked' : ''}`;
  return `${what[layers]}${how}${uid === null ? '' : `, worker of user ${uid}`}`;
};

describe.each(setups.map((setup) => [titleOf(setup), setup] as const))('%s', (_title, setup) => {
  let attacked: Attacked;
  beforeAll(async () => {
    attacked = await Attacked.start(setup);
  });
  afterAll(async () => {
    await attacked?.stop();
  });

  const tried = chosen.filter(({ attack }) => setup.layers !== 'kernel' || attack.kernel);
  it.each(tried)('$name', async ({ attack }) => {
    // What nothing keeps from its aim must reach it: a test that cannot fail proves nothing.
    const unhindered = setup.layers === 'none' || (setup.addons && attack.allowedWithAddons);
    const wanted = unhindered === true && !attack.impossible?.(attacked.target);
    const world = await attacked.suffer(attack, wanted);
    expect({ reached: attack.reached(world), ending: wanted ? world.ending : null }).toEqual({
      reached: wanted,
      ending: wanted ? world.ending : null,
    });
  });
});

describe('the catalog', () => {
  it('says of every attack how it works and what refuses it', () => {
    expect(catalog.length).toBeGreaterThan(40);
    for (const { attack } of catalog) {
      expect(attack.mechanism).toMatch(/\.$/);
      expect(attack.refusal).toMatch(/\.$/);
    }
  });
});
