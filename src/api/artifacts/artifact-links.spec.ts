import { expect, it } from '@jest/globals';
import { ArtifactLinks } from './artifact-links.js';

const target = { id: 'e/1', name: 'a b.txt' };
const inAnHour = new Date(Date.now() + 3_600_000);
const queryOf = (link: string) => Object.fromEntries(new URL(link, 'http://x').searchParams);

it('opens what it names, with any process of the same token', () => {
  const link = new ArtifactLinks('token').linkTo(target, inAnHour);
  expect(link).toMatch(/^\/executions\/e%2F1\/artifacts\/a%20b\.txt\?expires=\d+&signature=[\w-]{43}$/);
  expect(new ArtifactLinks('token').accepts(target, queryOf(link))).toBe(true);
});

it('opens nothing else, no longer, and not after the token has changed', () => {
  const links = new ArtifactLinks('token');
  const query = queryOf(links.linkTo(target, inAnHour));
  expect(links.accepts({ ...target, name: 'a' }, query)).toBe(false);
  expect(links.accepts({ ...target, id: 'e/2' }, query)).toBe(false);
  expect(links.accepts(target, { ...query, expires: String(Number(query['expires']) + 1) })).toBe(false);
  expect(links.accepts(target, queryOf(links.linkTo(target, new Date(Date.now() - 2_000))))).toBe(false);
  expect(new ArtifactLinks('other').accepts(target, query)).toBe(false);
  expect(new ArtifactLinks(undefined).accepts(target, query)).toBe(false);
});

it.each([
  {},
  { expires: '9999999999' },
  { expires: '9999999999', signature: '' },
  { expires: ['1'], signature: ['x'] },
])('refuses %j', (query) => {
  expect(new ArtifactLinks('token').accepts(target, query)).toBe(false);
});
