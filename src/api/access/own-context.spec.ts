import { describe, expect, it } from '@jest/globals';
import type { Caller } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';
import { ownContext } from './own-context.js';

const caller = (...organizations: string[]): Caller => ({
  id: 't',
  name: 'deploys',
  role: 'submit',
  organizations: organizations.length === 0 ? null : organizations,
});
const of = (id: string) => ({ organization: { id, name: 'as it was' } });

describe('what a caller asks to run', () => {
  it('is for any organization, or none, where the token is for all', () => {
    expect(ownContext(of('a'), caller())).toEqual(of('a'));
    expect(ownContext({}, caller())).toEqual({});
    expect(ownContext({}, undefined)).toEqual({});
  });

  it('is for the organization that it names, or the only one', () => {
    expect(ownContext(of('b'), caller('a', 'b'))).toEqual(of('b'));
    expect(ownContext({}, caller('a'))).toEqual({ organization: { id: 'a' } });
  });

  it.each([
    ['another one', of('c'), caller('a', 'b')],
    ['none, where there are several', {}, caller('a', 'b')],
  ])('is refused for %s', (_, context, by) => {
    expect(() => ownContext(context, by, 'execution.')).toThrow(ProblemException);
    expect(() => ownContext(context, by, 'execution.')).toThrow(
      'execution.organization.id: must be one of a, b: the token "deploys" is for no other',
    );
  });
});
