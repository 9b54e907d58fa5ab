import { describe, expect, it } from '@jest/globals';
import { nodeTrouble } from './node-version.js';

describe('nodeTrouble', () => {
  it.each(['v26.0.0', 'v26.10.0', 'v27.1.2-nightly', 'v100.0.0'])('is none of %s', (version) => {
    expect(nodeTrouble(version)).toBeNull();
  });

  it.each(['v20.19.0', 'v24.9.0', 'v25.99.1', 'unknown'])('names %s and where a newer one is', (version) => {
    expect(nodeTrouble(version)).toBe(
      `A worker needs Node 26 or newer; this is ${version}. npm ci brings one: node_modules/.bin/node`,
    );
  });

  it('is none of the Node of the tests', () => {
    expect(nodeTrouble(process.version)).toBeNull();
  });
});
