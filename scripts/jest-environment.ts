import type { JestEnvironment, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { Logger } from '@nestjs/common';
import { ModuleMocker } from 'jest-mock';
import { globalsOfPackages } from './jest-packages.ts';

// Spec files run in the context of Node itself, one after the other in a process of Jest, so that they can share the
// packages that Node has loaded there. What one leaves behind is taken away before the next begins.

type Descriptors = ReadonlyMap<PropertyKey, PropertyDescriptor>;

/** What spec files share and may change: the properties of these objects are put back. */
const SHARED: readonly object[] = [globalThis, process, process.env, Logger];

export default class ContextOfNode implements JestEnvironment {
  // Of Jest's types: it has more in it where a spec runs.
  readonly global = globalThis as unknown as JestEnvironment['global'];
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly moduleMocker: ModuleMocker;
  private readonly before = SHARED.map((object) => ({ object, properties: descriptorsOf(object) }));

  constructor({ projectConfig }: JestEnvironmentConfig) {
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    Error.stackTraceLimit = 100;
  }

  /** Jest asks for one. `jest-runtime.ts` leaves it out wherever Jest hands it to V8. */
  getVmContext(): object {
    return globalThis;
  }

  exportConditions(): string[] {
    return ['node', 'node-addons'];
  }

  setup(): Promise<void> {
    return Promise.resolve();
  }

  teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    for (const { object, properties } of this.before) putBack(object, properties);
    return Promise.resolve();
  }
}

/** Symbols too: Jest keeps the state of a run under some. What a package has set when it was loaded stays. */
function putBack(object: object, before: Descriptors): void {
  for (const [key, now] of descriptorsOf(object)) {
    const was = before.get(key);
    if (!now.configurable || (was && was.value === now.value && 'value' in was === 'value' in now)) continue;
    if (was) Object.defineProperty(object, key, was);
    else if (!globalsOfPackages.has(key)) Reflect.deleteProperty(object, key);
  }
}

function descriptorsOf(object: object): Descriptors {
  const keys = Reflect.ownKeys(object);
  return new Map(
    keys.map((key) => [key, Reflect.getOwnPropertyDescriptor(object, key) as PropertyDescriptor]),
  );
}
