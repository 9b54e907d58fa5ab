import { describe, expect, it } from '@jest/globals';
import { WatchedObject } from './watched-object.js';

const NODES_OWN = Symbol('of Node');

/** What a look says after something was done to an object like Node's. */
function lookAfter(change: (target: Record<PropertyKey, unknown>) => void): {
  glance: string | null;
  thorough: string | null;
} {
  const target: Record<PropertyKey, unknown> = { first: 1, second: () => 2, perExecution: 'a' };
  const watched = new WatchedObject('target', target, {
    volatile: new Set(['perExecution']),
    isNodes: (key) => key === NODES_OWN,
  });
  change(target);
  return { glance: watched.change(false), thorough: watched.change(true) };
}

const same = (name: string | null) => ({ glance: name, thorough: name });

describe('WatchedObject', () => {
  it('sees nothing where nothing changed', () => {
    expect(lookAfter(() => undefined)).toEqual(same(null));
  });

  it.each<[string, (target: Record<PropertyKey, unknown>) => void, string]>([
    ['another value', (target) => (target['first'] = 3), 'first'],
    ['a property more', (target) => (target['third'] = 3), 'third'],
    ['a property less', (target) => delete target['second'], 'second'],
    ['a getter that throws', (target) => Object.defineProperty(target, 'first', { get: fail }), 'first'],
    ['no more additions', (target) => Object.preventExtensions(target), 'preventExtensions'],
  ])('sees %s', (_what, change, name) => {
    expect(lookAfter(change)).toEqual(same(name));
  });

  it('thoroughly, sees what cannot be enumerated', () => {
    const hide = (target: object) => Object.defineProperty(target, 'hidden', { value: 1 });
    expect(lookAfter(hide).thorough).toBe('hidden');
  });

  it('leaves alone what the runner sets for each execution, unless it is gone', () => {
    expect(lookAfter((target) => (target['perExecution'] = 'b'))).toEqual(same(null));
    expect(lookAfter((target) => delete target['perExecution'])).toEqual(same('perExecution'));
  });

  it('leaves alone what Node adds', () => {
    expect(lookAfter((target) => (target[NODES_OWN] = {}))).toEqual(same(null));
  });

  it('sees what was deleted while Node added as much', () => {
    const swap = (target: Record<PropertyKey, unknown>): void => {
      target[NODES_OWN] = {};
      delete target['second'];
    };
    expect(lookAfter(swap)).toEqual(same('second'));
  });
});

function fail(): never {
  throw new Error('read');
}

it('finds changes of objects of one name and the same properties apart', () => {
  const [first, second] = [{ value: 1 }, { value: 2 }];
  const [one, other] = [first, second].map((target) => new WatchedObject('test', target)) as [
    WatchedObject,
    WatchedObject,
  ];
  first.value = 2;
  expect([one.change(false), other.change(false)]).toEqual(['value', null]);
  second.value = 1;
  expect([one.change(false), other.change(false)]).toEqual(['value', 'value']);
});
