import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runnerFrameSchema } from '../../boundary/runner-frames.js';
import { isPlainFrame, parseFrame } from './frame-parser.js';

const USAGE = { userMs: 1, systemMs: 0, maxRssMb: 40.5 };
const PLAIN = [
  { type: 'loaded', loadMs: 0.25 },
  { type: 'settled', dirty: [] },
  { type: 'result', variables: {}, usage: USAGE },
  { type: 'result', value: { deep: [1, null, 'x'] }, variables: {}, usage: USAGE },
  { type: 'result', variables: {}, usage: USAGE, settled: true },
  { type: 'result', value: 1, variables: {}, usage: USAGE, loadMs: 0.5, settled: true },
];

describe('isPlainFrame', () => {
  it.each(PLAIN.map((frame) => [JSON.stringify(frame)]))('knows %s', (text) => {
    expect(isPlainFrame(JSON.parse(text))).toBe(true);
    expect(parseFrame(`nonce ${text}`, 6)).toEqual({ ok: true, frame: JSON.parse(text) as unknown });
  });

  it('agrees with the schema on whatever it takes for plain', () => {
    const name = fc.constantFrom(
      'type',
      'loadMs',
      'dirty',
      'value',
      'variables',
      'usage',
      'settled',
      'extra',
      '__proto__',
    );
    const part = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        'loaded',
        'settled',
        'result',
        {},
        [],
        USAGE,
        { ...USAGE, more: 1 },
        -1,
        1e13,
        true,
        null,
      ),
    );
    const change = fc.tuple(name, fc.option(part, { nil: undefined }));
    let plain = 0;
    fc.assert(
      fc.property(fc.constantFrom(...PLAIN), fc.array(change, { maxLength: 3 }), (frame, changes) => {
        const text = JSON.stringify({ ...frame, ...Object.fromEntries(changes) });
        const value: unknown = JSON.parse(text);
        if (!isPlainFrame(value)) return;
        plain += 1;
        expect(runnerFrameSchema.parse(JSON.parse(text))).toEqual(value);
      }),
      { numRuns: 500 },
    );
    expect(plain).toBeGreaterThan(20);
  });
});
