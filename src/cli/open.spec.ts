import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { openConsole, openerFor } from './open.js';

describe('bifrost open', () => {
  it('prints the address where there is nothing to show it on, and asks without the token', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const output = { stdout: new PassThrough(), stderr: new PassThrough() };
    expect(await openConsole({ url, token: 'secret' }, { platform: 'linux', env: {} }, output)).toBe(0);
    server.close();
    expect(String(output.stdout.read())).toBe(`${url}/\n`);
    expect(seen).toEqual(['/session', undefined]);
  });

  it('says that no worker answers', async () => {
    const output = { stdout: new PassThrough(), stderr: new PassThrough() };
    await expect(
      openConsole({ url: 'http://127.0.0.1:1', token: undefined }, { platform: 'linux', env: {} }, output),
    ).rejects.toThrow('http://127.0.0.1:1');
  });

  it.each([
    ['linux', {}, null],
    ['linux', { DISPLAY: ':0' }, ['xdg-open']],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['xdg-open']],
    ['darwin', {}, ['open']],
    ['win32', {}, ['rundll32', 'url.dll,FileProtocolHandler']],
  ] as const)('on %s with %j opens it by %j', (platform, env, opener) => {
    expect(openerFor({ platform, env })).toEqual(opener);
  });
});
