import { describe, expect, it } from '@jest/globals';
import { migrationsOver } from './index.js';

const namesOver = async (applied: readonly string[]): Promise<string[]> =>
  Object.keys(await migrationsOver(applied).getMigrations());

describe('the migrations', () => {
  it('are those of this version over an empty database', async () => {
    expect((await namesOver([]))[0]).toBe('0001-history');
  });

  it('leave alone what a newer version has applied', async () => {
    const own = await namesOver([]);
    expect(await namesOver([...own, '9998-later', '9999-last'])).toEqual([...own, '9998-later', '9999-last']);
  });

  it('do not know a name that no newer version can have: the database is another', async () => {
    const own = await namesOver([]);
    expect(await namesOver(['0000-strange', '0001-other'])).toEqual(own);
  });
});
