import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedFolder } from './packages-access.js';

const ROOT = 0;
let home: string;
let sets: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'bifrost-access-'));
  sets = join(home, 'packages', 'sets');
  mkdirSync(sets, { recursive: true, mode: 0o755 });
});
afterAll(() => rmSync(home, { recursive: true }));

const modes = (ofHome: number, ofSets: number): void => {
  chmodSync(home, ofHome);
  chmodSync(sets, ofSets);
};

describe('packages of a worker that is root', () => {
  it('are closed to runners by a folder above', () => {
    modes(0o700, 0o755);
    const closed = closedFolder(sets, 'process', ROOT);
    expect(closed?.path).toBe(home);
    expect(closed?.fix).toContain(`chmod o+x ${home}`);
  });

  it('are shown by mounts without what is above', () => {
    modes(0o700, 0o755);
    expect(closedFolder(sets, 'namespace', ROOT)).toBeNull();
  });

  it.each(['namespace', 'process'] as const)('are closed by their own folder at the level %s', (level) => {
    modes(0o711, 0o711);
    expect(closedFolder(sets, level, ROOT)).toMatchObject({ path: sets });
    expect(closedFolder(sets, level, ROOT)?.fix).toContain(`chmod o+rx ${sets}`);
  });

  it('are open when every folder can be entered, or is not there yet', () => {
    modes(0o711, 0o755);
    expect(closedFolder(sets, 'process', ROOT)).toBeNull();
    expect(closedFolder(join(sets, 'later', 'sets'), 'process', ROOT)).toBeNull();
  });
});

it('of another user are read by the same user', () => {
  modes(0o700, 0o700);
  expect(closedFolder(sets, 'process', 1000)).toBeNull();
});
