import type { Config } from 'jest';

const config: Config = {
  testEnvironment: '<rootDir>/scripts/jest-environment.ts',
  moduleFileExtensions: ['js', 'json', 'ts'],
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: String.raw`.*\.spec\.ts$`,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { [String.raw`^(\.{1,2}/.*)\.js$`]: '$1' },
  transform: { [String.raw`^.+\.ts$`]: '<rootDir>/scripts/jest-transform.ts' },
  runtime: '<rootDir>/scripts/jest-runtime.ts',
  // Streams of Node go on beside fake timers.
  fakeTimers: { doNotFake: ['nextTick', 'queueMicrotask'] },
  // Passed tests never wait for it: it is for a crowded machine.
  testTimeout: 180_000,
};

export default config;
