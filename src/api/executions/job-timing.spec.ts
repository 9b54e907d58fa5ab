import { describe, expect, it } from '@jest/globals';
import { timingOf } from './job-timing.js';

const NOW_MS = Date.UTC(2026, 2, 1);
const timing = (request: Parameters<typeof timingOf>[0]) => timingOf(request, 10, NOW_MS);

describe('timingOf', () => {
  it('says nothing of what begins at once and is tried once', () => {
    expect(timing({ attempts: 1, backoff: 500, delay: 0, priority: 0 })).toEqual({
      options: {},
      expiresAtMs: null,
      periodSeconds: 10,
    });
  });

  it.each([
    ['attempts', { attempts: 3, backoff: 500 }, { attempts: 3, backoff: 500 }],
    ['a delay', { delay: 1500 }, { delay: 1500 }],
    ['a time', { runAt: new Date(NOW_MS + 2000) }, { delay: 2000 }],
    ['a time that is over', { runAt: new Date(NOW_MS - 2000) }, {}],
    ['a priority', { priority: 3 }, { priority: 3 }],
  ])('has %s', (_what, request, options) => {
    expect(timing(request).options).toEqual(options);
  });

  it('counts the time in which it must start from the end of the delay', () => {
    expect(timing({ ttl: 5, delay: 2000 }).expiresAtMs).toBe(NOW_MS + 7000);
  });

  it.each([
    ['one attempt', {}, 10],
    ['a delay', { delay: 5000 }, 15],
    ['fixed pauses', { attempts: 3, backoff: 2000 }, 34],
    [
      'pauses that double: 1, 2, 4 s',
      { attempts: 4, backoff: { type: 'exponential' as const, delay: 1000 } },
      47,
    ],
    ['pauses that grow: 1, 2, 3 s', { attempts: 4, backoff: { type: 'linear' as const, delay: 1000 } }, 46],
    [
      'more than 30 days',
      { attempts: 100, backoff: { type: 'exponential' as const, delay: 1000 } },
      2_592_000,
    ],
  ])('adds up %s', (_what, request, seconds) => {
    expect(timing(request).periodSeconds).toBe(seconds);
  });
});
