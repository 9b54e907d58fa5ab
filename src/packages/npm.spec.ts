import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNpm, NpmMissingError } from './install/npm-command.js';
import { parseMachineConfig, renderNpmrc } from './install/npm-config.js';
import { lastLines } from './install/npm-installer.js';

describe('findNpm', () => {
  it('runs the script that PATH leads to by our own Node, and runs anything else as it is', async () => {
    const root = await mkdtemp(join(tmpdir(), 'bifrost-npm-'));
    try {
      for (const folder of ['lib', 'bin', 'native', 'empty']) await mkdir(join(root, folder));
      await writeFile(join(root, 'lib', 'npm-cli.js'), '');
      await symlink(join(root, 'lib', 'npm-cli.js'), join(root, 'bin', 'npm'));
      await writeFile(join(root, 'native', 'npm'), '#!/bin/sh\n');
      await chmod(join(root, 'native', 'npm'), 0o755);
      const node = join(root, 'empty', 'node');
      const path = (...folders: string[]) => folders.map((folder) => join(root, folder)).join(':');
      expect(findNpm(node, path('empty', 'bin', 'native'))).toEqual({
        command: node,
        prefix: [join(root, 'lib', 'npm-cli.js')],
      });
      expect(findNpm(node, path('native', 'bin'))).toEqual({
        command: join(root, 'native', 'npm'),
        prefix: [],
      });
      expect(() => findNpm(node, path('empty'))).toThrow(NpmMissingError);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

describe('the npmrc of an install', () => {
  it('takes certificates and proxies from the machine, and no token', () => {
    const { registry, lines } = parseMachineConfig(
      JSON.stringify({
        registry: 'https://npm.example/',
        cafile: '/etc/ca.crt',
        'strict-ssl': false,
        noproxy: ['a', 'b'],
        proxy: null,
        'https-proxy': 'http://proxy:1\nregistry=http://evil',
        '//npm.example/:_authToken': 'machine-secret',
      }),
    );
    expect(registry).toBe('https://npm.example/');
    expect(lines).toEqual(['cafile=/etc/ca.crt', 'strict-ssl=false', 'noproxy=a,b']);
  });

  it('uses the public registry when npm cannot be asked', () => {
    expect(parseMachineConfig('').registry).toBe('https://registry.npmjs.org/');
  });

  it('names the token only for its registry, and does not contain it', () => {
    const text = renderNpmrc(
      { registry: 'https://npm.example/team', token: 'very-secret', machineLines: [] },
      '/cache',
    );
    expect(text).toContain('registry=https://npm.example/team/\n');
    expect(text).toMatch(/^\/\/npm\.example\/team\/:_authToken=\$\{\w+\}$/m);
    expect(text).not.toContain('very-secret');
  });
});

describe("npm's last lines", () => {
  it('leave out its prefix and its log file, and are bounded', () => {
    const stderr = [
      'npm warn old lockfile',
      'npm error code E404',
      'npm error 404 Not Found - GET http://r/nope',
      'npm error A complete log of this run can be found in: /x/_logs/1.log',
      '',
    ].join('\n');
    expect(lastLines({ stdout: '', stderr, exitCode: 1 })).toBe(
      'code E404\n404 Not Found - GET http://r/nope',
    );
  });

  it('name what could not be reached, without a stack trace', () => {
    const stderr = [
      'npm error code ECONNREFUSED',
      'npm error syscall connect',
      'npm error errno ECONNREFUSED',
      'npm error FetchError: request to http://r/x failed, reason: connect ECONNREFUSED 127.0.0.1:9',
      'npm error     at ClientRequest.<anonymous> (/npm/index.js:130:14) {',
      "npm error   code: 'ECONNREFUSED',",
      "npm error   type: 'system'",
      'npm error }',
    ].join('\n');
    expect(lastLines({ stdout: '', stderr, exitCode: 1 })).toBe(
      'code ECONNREFUSED\nFetchError: request to http://r/x failed, reason: connect ECONNREFUSED 127.0.0.1:9',
    );
  });

  it('are never empty and never long', () => {
    expect(lastLines({ stdout: '', stderr: '', exitCode: 7 })).toContain('exit code 7');
    expect(lastLines({ stdout: '', stderr: 'x'.repeat(9_000), exitCode: 1 }).length).toBeLessThanOrEqual(
      1_000,
    );
  });
});
