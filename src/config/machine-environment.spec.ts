import { expect, it } from '@jest/globals';
import { environmentOfNpm, machineEnvironment } from './machine-environment.js';

const ENVIRONMENT = {
  PATH: '/bin',
  HOME: '/home/worker',
  npm_config_registry: 'https://npm.example/',
  COMPANY_TOKEN: 'of an .npmrc',
  NPM_TOKEN: 'of npm',
  API_TOKEN: 'x',
  BIFROST_REDIS_URL: 'redis://:x@redis',
  DATABASE_URL: 'postgres://u:x@db/d',
  SECRETS_KEY: 'x',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=x',
  EMPTY: undefined,
};

it('gives npm all that its configuration may name, and no credential of the worker', () => {
  const { PATH, HOME, npm_config_registry, COMPANY_TOKEN, NPM_TOKEN } = ENVIRONMENT;
  expect(environmentOfNpm(ENVIRONMENT)).toEqual({
    PATH,
    HOME,
    npm_config_registry,
    COMPANY_TOKEN,
    NPM_TOKEN,
  });
});

it('gives other programs what every tool needs', () => {
  expect(machineEnvironment(ENVIRONMENT)).toEqual({ PATH: '/bin' });
});
