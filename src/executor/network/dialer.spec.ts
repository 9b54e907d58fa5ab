import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNetworkAllow } from '../../config/network-allow.js';
import { ownPorts } from '../../lib/own-ports.js';
import { redisPeers } from '../../redis/redis-peers.js';
import { Dialer } from './dialer.js';
import { NameLookup } from './name-lookup.js';
import { NetworkRefusal } from './network-rules.js';
import { storesOf } from './own-endpoints.js';
import { settingsOf } from '../../../test/support/parts.js';
import { runnerSettings } from '../../config/slices.js';

describe('Dialer', () => {
  let server: Server;
  let port: number;
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-hosts-'));
  const hosts = join(folder, 'hosts');
  /** Answers of the name service, one for each question of a name; the last one stays. */
  const answers = new Map<string, string[][]>();
  let asked: string[] = [];

  const resolver = {
    resolve4: ((name: string) => {
      asked.push(name);
      const [first, ...later] = answers.get(name) ?? [];
      if (first === undefined) return Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
      if (later.length > 0) answers.set(name, later);
      return Promise.resolve(first);
    }) as NameLookup['resolver']['resolve4'],
    resolve6: (() =>
      Promise.reject(Object.assign(new Error(), { code: 'ENODATA' }))) as NameLookup['resolver']['resolve6'],
  };

  const dialerOf = (allow: string, env: Record<string, string> = {}): Dialer => {
    const stores = storesOf(runnerSettings.of(settingsOf(env)));
    return new Dialer({ allow: parseNetworkAllow(allow), stores }, new NameLookup(resolver, hosts));
  };
  /** @param name of the host, where that is an address which was sent to the code */
  const dial = async (
    allow: string,
    host: string,
    env: Record<string, string> = {},
    name?: string,
  ): Promise<string> => {
    const dialer = dialerOf(allow, env);
    try {
      const socket = await dialer.dial({ host, port }, new AbortController().signal, () => name);
      const { remoteAddress } = socket;
      socket.destroy();
      return String(remoteAddress);
    } catch (error) {
      return error instanceof NetworkRefusal ? error.reason : String((error as NodeJS.ErrnoException).code);
    }
  };

  beforeAll(async () => {
    writeFileSync(hosts, '127.0.0.1 inside.test # a comment\n::1 six.test\n');
    server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    asked = [];
    answers.clear();
    ownPorts.clear();
    redisPeers.clear();
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('connects to what the list opens, by name and by address', async () => {
    expect(await dial('127.0.0.1:*', '127.0.0.1')).toBe('127.0.0.1');
    expect(await dial('inside.test:*/private', 'inside.test')).toBe('127.0.0.1');
    expect(await dial('*:*', 'inside.test')).toBe('address');
  });

  it('looks up no name that the list does not have', async () => {
    expect(await dial('a.test:*', 'secret.evil.test')).toBe('host');
    expect(asked).toEqual([]);
    expect(await dial('a.test:*', 'a.test')).toBe('ENOTFOUND');
    expect(asked).toEqual(['a.test']);
  });

  it('asks once, and connects to the answer that it has checked', async () => {
    answers.set('rebinding.test', [['127.0.0.1'], ['169.254.169.254']]);
    expect(await dial('rebinding.test:*/private', 'rebinding.test')).toBe('127.0.0.1');
    expect(asked).toEqual(['rebinding.test']);
    expect(await dial('rebinding.test:*/private', 'rebinding.test')).toBe('address');
  });

  it('tries the next address when one does not answer', async () => {
    answers.set('two.test', [['127.0.0.2', '127.0.0.1']]);
    expect(await dial('two.test:*/private', 'two.test')).toBe('127.0.0.1');
  });

  it.each([
    ['Redis', { REDIS_URL: 'redis://127.0.0.1:PORT' }],
    ['Redis by another name', { REDIS_URL: 'redis://:secret@inside.test:PORT/0' }],
    ['Redis at an address of the machine that its URL does not have', { REDIS_URL: 'redis://10.1.2.3:PORT' }],
    ['Redis with an unknown name', { REDIS_URL: 'redis://unknown.test:PORT' }],
    ['one of a cluster', { REDIS_URL: 'redis+cluster://10.1.2.3:1,127.0.0.1:PORT' }],
    ['the database', { DATABASE_URL: 'postgres://user:pass@127.0.0.1:PORT/bifrost' }],
    ['one of two databases', { DATABASE_URL: 'postgres://user@db.test:1,127.0.0.1:PORT/bifrost' }],
  ])('never reaches %s', async (_what, env) => {
    const here = Object.fromEntries(
      Object.entries(env).map(([name, url]) => [name, url.replace('PORT', `${port}`)]),
    );
    for (const host of ['127.0.0.1', '::ffff:127.0.0.1', 'inside.test', 'localhost'])
      expect([host, await dial('0.0.0.0/0:*,inside.test:*/private,localhost:*/private', host, here)]).toEqual(
        [host, 'own'],
      );
  });

  it('never reaches the port of the worker, nor a server that Redis has announced', async () => {
    ownPorts.add(port);
    expect(await dial('127.0.0.0/8:*', '127.0.0.1')).toBe('own');
    expect(await dial('127.0.0.0/8:*', '127.5.5.5')).toBe('own');
    ownPorts.clear();
    redisPeers.add(`127.0.0.1:${port}`);
    expect(await dial('127.0.0.0/8:*', '127.0.0.1')).toBe('own');
  });

  it.each([
    ['a name that the list has', 'inside.test:8443/private', 'inside.test', ['127.0.0.1']],
    ['a name below', '*.test:*/private', 'Inside.TEST.', ['127.0.0.1']],
    ['an address that a range opens on a port', '*:*,127.0.0.0/8:5432', 'inside.test', ['127.0.0.1']],
    ['an address', 'a.test', '10.1.2.3', ['10.1.2.3']],
    ['an address on a port that the list has not for the name', '*,127.0.0.0/8:5432', 'inside.test', 'port'],
    ['a name that leads inside', '*:*', 'inside.test', 'address'],
    ['a name that the list does not have', 'a.test:*,127.0.0.0/8:*', 'inside.test', 'host'],
    ['nothing', '*', 'none.test', 'ENOTFOUND'],
    ['what is no name', '*', 'a b', 'malformed'],
  ])('says the addresses of %s', async (_what, allow, host, expected) => {
    const found = await dialerOf(allow)
      .addresses(host)
      .catch((error: NetworkRefusal & { code?: string }) => error.reason ?? error.code);
    expect(found).toEqual(expected);
  });

  it('reaches an address that was sent to the code as the name it belongs to, by the rules of that', async () => {
    expect(await dial('inside.test:*/private', '127.0.0.1')).toBe('host');
    expect(await dial('inside.test:*/private', '127.0.0.1', {}, 'inside.test')).toBe('127.0.0.1');
    expect(await dial('inside.test:1/private', '127.0.0.1', {}, 'inside.test')).toBe('port');
    expect(await dial('inside.test:*', '127.0.0.1', {}, 'inside.test')).toBe('address');
    const redis = { REDIS_URL: `redis://127.0.0.1:${port}` };
    expect(await dial('inside.test:*/private', '127.0.0.1', redis, 'inside.test')).toBe('own');
    expect(asked).toEqual([]);
  });
});
