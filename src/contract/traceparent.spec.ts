import { describe, expect, it } from '@jest/globals';
import { formatTraceparent, parseTraceparent, traceparentOfJob } from './traceparent.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-03`, `01-${TRACE}-${SPAN}-01-more`])(
    'is read: %s',
    (text) => {
      expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 });
    },
  );

  it.each([
    '',
    'x',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    7,
    undefined,
  ])('is not made of %j', (text) => {
    expect(parseTraceparent(text)).toBeNull();
  });

  it('is written as it was read', () => {
    const text = `00-${TRACE}-${SPAN}-00`;
    expect(formatTraceparent(parseTraceparent(text) as never)).toBe(text);
  });

  it('is found where BullMQ keeps it', () => {
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    expect(traceparentOfJob({ telemetry: { metadata: JSON.stringify({ traceparent }) } })).toBe(traceparent);
    for (const metadata of ['{', '{}', 'null', JSON.stringify({ traceparent: 'x' })])
      expect(traceparentOfJob({ telemetry: { metadata } })).toBeNull();
    expect(traceparentOfJob({})).toBeNull();
  });
});
