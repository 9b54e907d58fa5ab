import { describe, expect, it } from '@jest/globals';
import { MAX_ATTEMPTS, MAX_PAUSE_MS, optionTrouble, pauseBeforeRetryMs } from './job-options.js';

describe('optionTrouble', () => {
  it.each([
    {},
    { attempts: 0, backoff: 'exponential' },
    { attempts: 1, backoff: { type: 'custom' } },
    { attempts: 3 },
    { attempts: 3, backoff: 100 },
    { attempts: 3, backoff: { type: 'fixed' } },
    { attempts: 3, backoff: { type: 'linear', delay: 100 } },
    { attempts: 3, backoff: { type: 'exponential', delay: 100, jitter: 0.5 } },
    { attempts: null, delay: null, backoff: null },
    { delay: 5000, removeOnComplete: true, removeOnFail: { age: 5, count: 10 } },
    { removeOnComplete: 100, priority: 7, lifo: true, anything: 'else' },
  ])('finds none in %j', (opts) => {
    expect(optionTrouble(opts)).toBeNull();
  });

  it.each([
    ['opts.attempts', { attempts: 'three' }],
    ['opts.attempts', { attempts: -1 }],
    ['opts.attempts', { attempts: 1.5 }],
    ['opts.attempts', { attempts: MAX_ATTEMPTS + 1 }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'custom' } }],
    ['opts.backoff', { attempts: 3, backoff: 'exponential' }],
    ['opts.backoff', { attempts: 3, backoff: '1000' }],
    ['opts.backoff', { attempts: 3, backoff: { delay: 100 } }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'toString', delay: 1 } }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'fixed', delay: 'soon' } }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'fixed', delay: -1 } }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'fixed', delay: MAX_PAUSE_MS + 1 } }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'fixed', delay: 1, jitter: 2 } }],
    ['opts.backoff', { attempts: 3, backoff: true }],
    ['opts.delay', { delay: 'soon' }],
    ['opts.delay', { delay: -5 }],
    ['opts.removeOnFail', { removeOnFail: { count: 'all' } }],
    ['opts.removeOnComplete', { removeOnComplete: 'yes' }],
    ['opts.removeOnComplete', { removeOnComplete: [1] }],
    ['opts', { 'bifrost:unreadable': 'not JSON' }],
  ])('names %s in %j', (field, opts) => {
    expect(optionTrouble(opts)).toMatchObject({ field });
  });
});

describe('pauseBeforeRetryMs', () => {
  it.each([
    [undefined, [0, 0, 0]],
    [100, [100, 100, 100]],
    [{ type: 'fixed', delay: 100 }, [100, 100, 100]],
    [{ type: 'linear', delay: 100 }, [100, 200, 300]],
    [{ type: 'exponential', delay: 100 }, [100, 200, 400]],
    [{ type: 'exponential' }, [0, 0, 0]],
  ])('%j pauses for %j', (backoff, pauses) => {
    expect([1, 2, 3].map((failed) => pauseBeforeRetryMs(backoff, failed, 0.5))).toEqual(pauses);
  });

  it('varies by the jitter, and never ends beyond what can be ordered', () => {
    const backoff = { type: 'fixed', delay: 100, jitter: 0.5 };
    expect([0, 0.5, 1].map((random) => pauseBeforeRetryMs(backoff, 1, random))).toEqual([50, 75, 100]);
    expect(pauseBeforeRetryMs({ type: 'exponential', delay: 1000 }, 900, 0)).toBe(MAX_PAUSE_MS);
  });
});
