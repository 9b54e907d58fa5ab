import { describe, expect, it } from '@jest/globals';
import { manifestView, refusedLines } from './packages-view.js';

const stored = (content: string) => ({ kind: 'manifest' as const, manifest: { content, hash: 'h' } });

describe('manifestView', () => {
  it('shows what a manifest asks for, and which of its lines are not installed', () => {
    expect(manifestView(stored('# tools\nlodash@^4\n../x'), 10)).toEqual({
      content: '# tools\nlodash@^4\n../x',
      hash: 'h',
      problem: null,
      packages: [{ name: 'lodash', range: '^4', line: 2 }],
      refused: [{ spec: '../x', line: 3, phase: 'refused', reason: expect.stringContaining('path') }],
    });
  });

  it('says why a stored text is no manifest', () => {
    expect(manifestView({ kind: 'unreadable', reason: 'is not JSON' }, 10)).toMatchObject({
      content: null,
      problem: 'the stored manifest is not JSON',
    });
  });

  it('of no manifest has nothing', () => {
    expect(manifestView({ kind: 'absent' }, 10)).toEqual({
      content: null,
      hash: null,
      problem: null,
      packages: [],
      refused: [],
    });
  });
});

it('refusedLines names field, line, code and reason', () => {
  expect(refusedLines([{ spec: '-g', line: 4, phase: 'refused', reason: 'holds an option' }])).toEqual([
    { field: 'content', line: 4, code: 'PACKAGE_REFUSED', message: 'line 4: -g: holds an option' },
  ]);
});
