import { describe, expect, it } from '@jest/globals';
import type { PackagesOverview, PackagesStatus } from '../../contract/packages.js';
import { listText } from './packages-list.js';
import { statusTable } from './packages-table.js';

const aStatus = (changes: Partial<PackagesStatus> = {}): PackagesStatus => ({
  state: 'ready',
  set: '0123456789abcdef0123456789abcdef',
  wanted: null,
  manifest_hash: 'h',
  installed: [{ name: 'lodash', version: '4.17.21' }],
  failed: [],
  progress: 1,
  updated_at: '2026-01-01T00:00:00.000Z',
  ...changes,
});

const anOverview = (workers: PackagesOverview['workers']): PackagesOverview => ({
  content: 'lodash@4\nnope',
  hash: 'h',
  problem: null,
  packages: [
    { name: 'lodash', range: '4', line: 1 },
    { name: 'nope', range: 'latest', line: 2 },
  ],
  refused: [],
  workers,
});

const nope = { spec: 'nope@latest', line: 2, reason: 'npm error 404\nNot found', phase: 'install' as const };
const table = (workers: PackagesOverview['workers']): string =>
  statusTable(anOverview(workers), (_state, text) => text);

describe('statusTable', () => {
  it('has a line for each worker, also for one that has said nothing yet', () => {
    const installing = aStatus({ state: 'installing', set: null, progress: 0.429, installed: [] });
    expect(
      table([
        { worker_id: 'w1', status: aStatus() },
        { worker_id: 'w2', status: installing },
        { worker_id: 'worker-3', status: null },
      ]),
    ).toBe(
      [
        'WORKER    STATE       PROGRESS  SET           INSTALLED  FAILED',
        'w1        ready       -         0123456789ab  1          0',
        'w2        installing  42 %      -             0          0',
        'worker-3  ?           -         -             -          -',
        '',
      ].join('\n'),
    );
  });

  it('shows each failure once, with its reason and where it happened', () => {
    const both = ['w1', 'w2'].map((id) => ({ worker_id: id, status: aStatus({ failed: [nope] }) }));
    expect(table(both)).toContain(
      '\nnope@latest (line 2): not installed, on every worker:\n  npm error 404\n  Not found\n',
    );
    const one = [both[0]!, { worker_id: 'w2', status: aStatus() }];
    expect(table(one)).toContain('nope@latest (line 2): not installed, on w1:\n');
  });

  it('lets nothing that others named move the cursor', () => {
    const failure = { ...nope, spec: 'a\u001B[2Jb', reason: 'c\rd' };
    const text = table([{ worker_id: 'w\u001B[1A1', status: aStatus({ failed: [failure] }) }]);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('listText', () => {
  it('shows which versions there are, and on how many workers', () => {
    const other = aStatus({ installed: [{ name: 'lodash', version: '4.17.20' }] });
    const workers = [aStatus(), other, aStatus()].map((status, at) => ({ worker_id: `w${at}`, status }));
    expect(listText(anOverview(workers))).toBe(
      [
        'PACKAGE  WANTED  INSTALLED        WORKERS',
        'lodash   4       4.17.20 4.17.21  3/3',
        'nope     latest  -                0/3',
        '',
      ].join('\n'),
    );
  });

  it('names the lines that are not installed', () => {
    const refused = [{ spec: '-g', line: 3, reason: 'holds an option', phase: 'refused' as const }];
    expect(listText({ ...anOverview([]), refused })).toMatch(/\n-g \(line 3\): refused: holds an option\n$/);
  });
});
