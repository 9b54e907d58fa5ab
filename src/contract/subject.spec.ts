import { describe, expect, it } from '@jest/globals';
import { NO_SUBJECT, subjectOf, subjectSchema } from './subject.js';

describe('subjectOf', () => {
  it('repeats caller, organization and workflow, and nothing else that the producer wrote', () => {
    const subject = subjectOf({
      workflowId: 'nightly',
      caller: { user_id: 'u1', email: 'a@example.org', session: 'not for others' },
      organization: { id: 'o1', name: 'Acme', plan: 'gold' },
      tags: ['a', 'b'],
    });
    expect(subject).toEqual({
      workflow_id: 'nightly',
      caller: { user_id: 'u1', email: 'a@example.org', name: null },
      organization: { id: 'o1', name: 'Acme' },
      tags: ['a', 'b'],
    });
    expect(subjectSchema.parse(subject)).toEqual(subject);
  });

  it('knows nothing of a context that says nothing', () => {
    expect(subjectOf({ workflowId: null, caller: null, organization: null, tags: [] })).toEqual(NO_SUBJECT);
  });

  it('bounds what every result would carry', () => {
    const subject = subjectOf({
      workflowId: 'w'.repeat(5000),
      caller: null,
      organization: { id: 'o'.repeat(5000) },
      tags: Array.from({ length: 500 }, () => 't'.repeat(5000)),
    });
    expect(JSON.stringify(subject).length).toBeLessThan(60_000);
  });
});
