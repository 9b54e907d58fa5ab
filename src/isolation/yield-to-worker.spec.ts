import { expect, it } from '@jest/globals';
import { priorityBelow } from './yield-to-worker.js';

it.each([
  [
    { nice: 0, oomScore: 0 },
    { nice: 5, oomScore: 500 },
  ],
  // As in a pod of Kubernetes that may use more than it asked for.
  [
    { nice: 10, oomScore: 900 },
    { nice: 15, oomScore: 1000 },
  ],
  [
    { nice: 18, oomScore: -998 },
    { nice: 19, oomScore: -498 },
  ],
])('a runner of a worker at %j is at %j', (worker, runner) => {
  expect(priorityBelow(worker)).toEqual(runner);
});
