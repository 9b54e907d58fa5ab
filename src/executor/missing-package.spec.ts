import { describe, expect, it } from '@jest/globals';
import type { ModuleFailure, ModuleReply } from '../boundary/module-protocol.js';
import type { PackageFailure } from '../contract/packages.js';
import { explainMissing } from './missing-package.js';

const errorOf = (code: ModuleFailure['code']): ModuleReply => ({
  kind: 'error',
  error: { code, name: 'SomeName', message: 'Cannot find it.' },
});
const NOT_FOUND = errorOf('MODULE_NOT_FOUND');
const FAILED: PackageFailure[] = [
  { spec: 'plain@^1', reason: 'E404', phase: 'install' },
  { spec: '@team/tool@2.0.0', reason: 'throws when it is imported', phase: 'import' },
  { spec: 'local@file:../x', line: 4, reason: 'is a local path', phase: 'refused' },
  { spec: 'npm install', reason: 'no disk', phase: 'install' },
];

describe('a package that the manifest asks for and that is not there', () => {
  it.each([
    [
      'plain',
      'PACKAGE_INSTALL_FAILED',
      'PackageInstallFailed',
      /plain@\^1, which could not be installed: E404/,
    ],
    ['plain/lib/a.js', 'PACKAGE_INSTALL_FAILED', 'PackageInstallFailed', /E404/],
    ['@team/tool', 'PACKAGE_INSTALL_FAILED', 'PackageInstallFailed', /throws when it is imported/],
    ['@team/tool/deep', 'PACKAGE_INSTALL_FAILED', 'PackageInstallFailed', /@team\/tool@2\.0\.0/],
    ['local', 'PACKAGE_REFUSED', 'PackageRefused', /local@file:\.\.\/x, which is refused: is a local path/],
  ])('explains %s with %s', (specifier, code, name, message) => {
    const reply = explainMissing(NOT_FOUND, specifier, FAILED);
    expect(reply).toMatchObject({ kind: 'error', error: { code, name } });
    if (reply.kind !== 'error') throw new Error('no error');
    expect(reply.error.message).toMatch(/^Cannot find it\. /);
    expect(reply.error.message).toMatch(message);
  });
});

it.each(['plainer', './plain', '@team', '@team/toolbox', 'tool', ''])('says nothing of %j', (specifier) => {
  expect(explainMissing(NOT_FOUND, specifier, FAILED)).toBe(NOT_FOUND);
});

it.each([errorOf('MODULE_LIMIT'), errorOf('INTERNAL'), { kind: 'package' } as const])(
  'leaves the reply %j as it is',
  (reply) => {
    expect(explainMissing(reply, 'plain', FAILED)).toBe(reply);
  },
);
