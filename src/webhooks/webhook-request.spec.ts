import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { parseNetworkAllow } from '../config/network-allow.js';
import { Dialer } from '../executor/network/dialer.js';
import { NameLookup } from '../executor/network/name-lookup.js';
import { postWebhook } from './webhook-request.js';

describe('postWebhook', () => {
  let server: Server;
  let port: number;
  let connections = 0;

  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => void server.close());

  /** Posts to a name whose name service gives these answers, one for each question. */
  function postTo(allow: string, ...answers: string[]) {
    const asked: string[] = [];
    const resolver = {
      resolve4: ((name: string) => {
        asked.push(name);
        return Promise.resolve([answers[asked.length - 1] ?? '']);
      }) as NameLookup['resolver']['resolve4'],
      resolve6: (() =>
        Promise.reject(
          Object.assign(new Error(), { code: 'ENODATA' }),
        )) as NameLookup['resolver']['resolve6'],
    };
    const rules = { allow: parseNetworkAllow(allow), stores: [] };
    const dialer = new Dialer(rules, new NameLookup(resolver, '/nonexistent'));
    const url = new URL(`http://rebinding.test:${port}/`);
    return { asked, status: postWebhook(url, { body: '{}', headers: {} }, dialer) };
  }

  it('connects to the address that it has checked, and asks once', async () => {
    const { asked, status } = postTo('rebinding.test:*/private', '127.0.0.1', '169.254.169.254');
    expect(await status).toBe(204);
    expect(asked).toEqual(['rebinding.test']);
  });

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254'])(
    'connects to nothing where the name leads to %s',
    async (address) => {
      const before = connections;
      await expect(postTo('*:*', address).status).rejects.toMatchObject({ name: 'NetworkRefusal' });
      expect(connections).toBe(before);
    },
  );
});
