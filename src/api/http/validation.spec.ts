import { expect, it } from '@jest/globals';
import { fieldErrors } from './validation.js';

it('gives each field one entry, with everything that is wrong with it', () => {
  expect(
    fieldErrors([
      { path: ['a', { key: 1 }], message: 'must be a string' },
      { path: ['b'], message: 'must be there' },
      { path: ['a', 1], message: 'must be short' },
      { path: ['b'], message: 'must be there' },
    ]),
  ).toEqual([
    { field: 'a.1', message: 'must be a string; must be short' },
    { field: 'b', message: 'must be there' },
  ]);
});

it('calls the whole document body', () => {
  expect(fieldErrors([{ message: 'Invalid input' }])).toEqual([
    { field: 'body', message: 'must be a JSON object' },
  ]);
});

it('stops after 50 fields', () => {
  const issues = Array.from({ length: 1000 }, (_, index) => ({ path: [index], message: 'wrong' }));
  expect(fieldErrors(issues)).toHaveLength(50);
});
