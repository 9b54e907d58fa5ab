import { describe, expect, it } from '@jest/globals';
import { retryOptions, retryPeriodSeconds } from './retry-options.js';

describe('retryOptions', () => {
  it('says nothing of what is tried once', () => {
    expect(retryOptions(1, 500)).toEqual({});
    expect(retryOptions(3, 500)).toEqual({ attempts: 3, backoff: 500 });
  });
});

describe('retryPeriodSeconds', () => {
  it.each([
    ['one attempt', {}, 10],
    ['fixed pauses', { attempts: 3, backoff: 2000 }, 34],
    ['pauses that double: 1, 2, 4 s', { attempts: 4, backoff: { type: 'exponential', delay: 1000 } }, 47],
    ['pauses that grow: 1, 2, 3 s', { attempts: 4, backoff: { type: 'linear', delay: 1000 } }, 46],
    ['more than 30 days', { attempts: 100, backoff: { type: 'exponential', delay: 1000 } }, 2_592_000],
  ])('adds up %s', (_what, retries, seconds) => {
    expect(retryPeriodSeconds(retries, 10)).toBe(seconds);
  });
});
