import { describe, expect, it } from '@jest/globals';
import { unsetOrganization } from '../../contract/organization.js';
import { changedSettings } from './organization-options.js';

const before = {
  ...unsetOrganization('acme'),
  weight: 3,
  max_running: 5,
  workflows: { a: { max_running: 1 }, b: { max_running: 2 } },
  quotas: { executions: { limit: 10, action: 'refuse' as const } },
  limits: { memory_mb: 64, network: 'none' as const },
};

describe('bifrost organizations set', () => {
  it('changes what is named, and nothing else', () => {
    expect(changedSettings(before, {})).toMatchObject({
      weight: 3,
      max_running: 5,
      workflows: before.workflows,
      quotas: before.quotas,
      limits: { memory_mb: 64, network: 'none' },
    });
    expect(
      changedSettings(before, {
        weight: '2',
        rate: '100/1m',
        workflow: ['a=none', 'c=4'],
        quota: ['cpu_seconds=3600:slow'],
        timeout: '2m',
        networkAllow: 'a.example, b.example:8443',
        nativeAddons: 'off',
      }),
    ).toEqual({
      weight: 2,
      max_running: 5,
      rate: { executions: 100, per_seconds: 60 },
      workflows: { b: { max_running: 2 }, c: { max_running: 4 } },
      quotas: { executions: { limit: 10, action: 'refuse' }, cpu_seconds: { limit: 3600, action: 'slow' } },
      limits: {
        memory_mb: 64,
        timeout_seconds: 120,
        network: 'none',
        network_allow: ['a.example', 'b.example:8443'],
        native_addons: false,
      },
    });
  });

  it('takes away with none', () => {
    expect(
      changedSettings(before, {
        maxRunning: 'none',
        quota: ['executions=none'],
        memoryMb: 'none',
        network: 'any',
      }),
    ).toMatchObject({ max_running: null, quotas: {}, limits: { memory_mb: null, network: null } });
  });

  it.each([
    [{ weight: 'x' }, '--weight: must be a number'],
    [{ rate: '100' }, '--rate: must be executions and a time'],
    [{ workflow: ['a'] }, '--workflow: must be such as nightly-report=1'],
    [{ nativeAddons: 'no' }, '--native-addons: must be on or off'],
  ])('says what cannot be read of %j', (options, message) => {
    expect(() => changedSettings(before, options)).toThrow(message);
  });
});
