import { describe, expect, it } from '@jest/globals';
import { workerArguments } from './worker-arguments.js';

describe('workerArguments', () => {
  it.each<[string[], Record<string, string>]>([
    [[], {}],
    [['--id', 'w1', '--type', 'gpu'], { id: 'w1', type: 'gpu' }],
    [['-i', 'w1', '-t', 'gpu'], { id: 'w1', type: 'gpu' }],
    [['--type=local', '--id=w2'], { id: 'w2', type: 'local' }],
    [['--id', 'w1', '--id', 'w2'], { id: 'w2' }],
    [['"--id"', '"w1"'], { id: 'w1' }],
    [['--id', '"a \\"b\\""'], { id: 'a "b"' }],
    [['--type', '"not \\json"'], { type: '"not \\json"' }],
  ])('%j', (args, expected) => {
    expect({ ...workerArguments(args) }).toEqual(expected);
  });

  it.each([
    [['--name', 'w1'], '--name'],
    [['w1'], 'w1'],
    [['--id'], '--id'],
  ] as [string[], string][])('refuses %j and says which', (args, named) => {
    expect(() => workerArguments(args)).toThrow(named);
  });
});
