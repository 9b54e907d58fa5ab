import type { JestEnvironment, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { Logger } from '@nestjs/common';
import { ModuleMocker } from 'jest-mock';
import { globalsOfPackages, loadPackage } from './jest-packages.ts';

// Spec files run in the context of Node itself, one after the other in a process of Jest, so that they can share the
// packages that Node has loaded there. What one leaves behind is taken away before the next begins.

type Descriptors = ReadonlyMap<PropertyKey, PropertyDescriptor>;

/** What of the process a spec file may change. */
interface Before {
  globals: Descriptors;
  env: NodeJS.ProcessEnv;
  exit: typeof process.exit;
  logger: object;
}

export default class ContextOfNode implements JestEnvironment {
  // Of Jest's types: it has more in it where a spec runs.
  readonly global = globalThis as unknown as JestEnvironment['global'];
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly moduleMocker: ModuleMocker;
  private readonly before: Before;

  constructor({ projectConfig }: JestEnvironmentConfig) {
    this.before = whatIs();
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
    putBack(this.before);
    return Promise.resolve();
  }
}

function whatIs(): Before {
  return {
    globals: descriptorsOf(globalThis),
    env: { ...process.env },
    exit: process.exit,
    logger: { ...Logger },
  };
}

function putBack(before: Before): void {
  process.exit = before.exit;
  for (const name of Object.keys(process.env)) if (!(name in before.env)) delete process.env[name];
  for (const [name, value] of Object.entries(before.env)) if (process.env[name] !== value) process.env[name] = value;
  putBackGlobals(before.globals);
  Object.assign(Logger, before.logger);
}

/** Symbols too: Jest keeps the state of a run under some. What a package has set when it was loaded stays. */
function putBackGlobals(before: Descriptors): void {
  for (const [key, { configurable, value }] of descriptorsOf(globalThis)) {
    const was = before.get(key);
    if (!configurable || was?.value === value) continue;
    if (was) Object.defineProperty(globalThis, key, was);
    else if (!globalsOfPackages.has(key)) Reflect.deleteProperty(globalThis, key);
  }
}

function descriptorsOf(object: object): Descriptors {
  const keys = Reflect.ownKeys(object);
  return new Map(keys.map((key) => [key, Reflect.getOwnPropertyDescriptor(object, key) as PropertyDescriptor]));
}
