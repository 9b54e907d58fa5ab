import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  moduleFileExtensions: ['js', 'json', 'ts'],
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: String.raw`.*\.spec\.ts$`,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { [String.raw`^(\.{1,2}/.*)\.js$`]: '$1' },
  transform: { [String.raw`^.+\.ts$`]: '<rootDir>/scripts/jest-transform.ts' },
  runtime: '<rootDir>/scripts/jest-runtime.ts',
  // Passed tests never wait for it: it is for a crowded machine.
  testTimeout: 180_000,
};

export default config;
