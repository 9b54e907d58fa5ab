import { describe, expect, it } from '@jest/globals';
import { QueueKeys } from 'bullmq';
import { jobIdOf } from './job-id.js';

describe('jobIdOf', () => {
  it.each(['task-1', '0b5e2d6c-8a55-4d1f-a3c7-0f2d5f1f9f11', '12ab', 'a/b%20c', '1.5'])('keeps %s', (id) => {
    expect(jobIdOf(id)).toBe(id);
  });

  it.each(['1', '-1', '007', 'a:b', 'a:b:c'])('encodes %s, which BullMQ refuses or might', (id) => {
    expect(jobIdOf(id)).toMatch(/^id-[^:]+$/);
  });

  it('encodes every name that BullMQ uses for the queue itself', () => {
    const own = Object.keys(new QueueKeys('bull').getKeys('q')).filter((name) => name !== '');
    expect(own).toContain('wait');
    for (const name of own) expect(jobIdOf(name)).toBe(`id-${name}`);
  });

  it('gives different executions different jobs', () => {
    const ids = ['1', 'id-1', 'id-id-1', 'a:b', 'id-a%3Ab', 'a%3Ab', 'wait', 'id-wait'];
    expect(new Set(ids.map(jobIdOf)).size).toBe(ids.length);
  });
});
