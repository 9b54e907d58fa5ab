import { describe, expect, it } from '@jest/globals';
import { localPlaces } from './local-places.js';

const FILES = new Map([
  ['index.ts', '/home/ada/shop/index.ts'],
  ['src/index.ts', '/home/ada/shop/src/index.ts'],
  ['inline-code.ts', '/elsewhere/job.ts'],
]);
const places = localPlaces(FILES, '/home/ada/shop');

describe('a place in a stack', () => {
  it.each([
    ['    at pay (/tmp/bifrost/workspace/src/index.ts:3:9)', '    at pay (src/index.ts:3:9)'],
    ['    at file:///tmp/bifrost/workspace/index.ts:1:1', '    at index.ts:1:1'],
    ['    at /tmp/bifrost/workspace/inline-code.ts:2:7', '    at /elsewhere/job.ts:2:7'],
    ['/w/src/index.ts:1:2 and /w/index.ts:3:4', 'src/index.ts:1:2 and index.ts:3:4'],
  ])('of a local file is where that lies: %s', (text, shown) => {
    expect(places(text)).toBe(shown);
  });

  it.each([
    'at f (/cache/node_modules/left-pad/index.ts:1:1)',
    'at f (node:internal/process/task_queues:103:5)',
    'at f (/tmp/bifrost/workspace/other.ts:1:1)',
    'see /tmp/bifrost/workspace/index.ts and /tmp/bifrost/workspace/index.ts:4',
  ])('of anything else stays: %s', (text) => {
    expect(places(text)).toBe(text);
  });
});
