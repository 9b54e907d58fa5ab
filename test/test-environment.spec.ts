import { expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import ContextOfNode from '../scripts/jest-environment.ts';
import { globalsOfPackages } from '../scripts/jest-packages.ts';

type Config = ConstructorParameters<typeof ContextOfNode>[0];

const anEnvironment = (): ContextOfNode =>
  new ContextOfNode({ projectConfig: { fakeTimers: {} } } as unknown as Config);
const own = (object: object, key: PropertyKey): unknown =>
  Reflect.getOwnPropertyDescriptor(object, key)?.value as unknown;
const symbol = Symbol('of a spec file');

it('what a spec file changes is as it was when the next begins', async () => {
  const places: [object, PropertyKey][] = [
    [globalThis, 'fetch'],
    [globalThis, 'setTimeout'],
    [globalThis, symbol],
    [process, 'exit'],
    [process.env, 'PATH'],
    [process.env, 'OF_A_SPEC_FILE'],
    [Logger, 'staticInstanceRef'],
    [Math, 'random'],
  ];
  const values = (): unknown[] => places.map(([object, key]) => own(object, key));
  const before = values();
  const environment = anEnvironment();
  environment.fakeTimersModern.useFakeTimers();
  environment.moduleMocker.spyOn(Math, 'random').mockReturnValue(0);
  Object.assign(globalThis, { fetch: 'none', [symbol]: 'a value' });
  Object.assign(process, { exit: () => undefined });
  Object.assign(process.env, { PATH: '/nowhere', OF_A_SPEC_FILE: 'yes' });
  Logger.overrideLogger(false);
  const changed = values();
  await environment.teardown();
  expect(changed.filter((value, at) => value === before[at])).toEqual([]);
  expect(values()).toEqual(before);
});

it('what a package has set when it was loaded stays', async () => {
  const environment = anEnvironment();
  Object.assign(globalThis, { [symbol]: 'of a package' });
  globalsOfPackages.add(symbol);
  await environment.teardown();
  expect(own(globalThis, symbol)).toBe('of a package');
  globalsOfPackages.delete(symbol);
});
