import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from './redis-address.js';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { kind: 'single', nodes: [{ host: 'localhost', port: 6379 }], tls: false, db: 0 }],
    [
      'redis://10.0.0.1:7000/3',
      { kind: 'single', nodes: [{ host: '10.0.0.1', port: 7000 }], tls: false, db: 3 },
    ],
    ['rediss://host:6380', { kind: 'single', nodes: [{ host: 'host', port: 6380 }], tls: true, db: 0 }],
    ['redis://[::1]:6380', { kind: 'single', nodes: [{ host: '::1', port: 6380 }], tls: false, db: 0 }],
    ['redis://[fe80::1]', { kind: 'single', nodes: [{ host: 'fe80::1', port: 6379 }], tls: false, db: 0 }],
  ])('reads one server: %s', (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected);
  });

  it.each([
    ['redis://user:secret@host', 'user', 'secret'],
    ['redis://:secret@host', undefined, 'secret'],
    ['redis://user@host', 'user', undefined],
    ['redis://us%40er:p%2Fw%3A%40@host', 'us@er', 'p/w:@'],
    ['redis://user:a:b@host', 'user', 'a:b'],
    ['redis://user:a@b@host', 'user', 'a@b'],
    ['redis://user:5%@host', 'user', '5%'],
  ])('reads user and password: %s', (url, username, password) => {
    const target = parseRedisUrl(url);
    expect(target.nodes).toEqual([{ host: 'host', port: 6379 }]);
    expect([target.username, target.password]).toEqual([username, password]);
  });

  it('reads a Sentinel group', () => {
    expect(parseRedisUrl('rediss+sentinel://:pw@a,b:26380,[::2]:26381/main/2')).toEqual({
      kind: 'sentinel',
      nodes: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 26380 },
        { host: '::2', port: 26381 },
      ],
      tls: true,
      password: 'pw',
      primary: 'main',
      db: 2,
    });
  });

  it('reads a Cluster', () => {
    expect(parseRedisUrl('redis+cluster://a:7001,b')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7001 },
        { host: 'b', port: 6379 },
      ],
      tls: false,
      db: 0,
    });
  });

  it.each([
    ['http://host', 'must be redis://'],
    ['redis://', 'must be redis://'],
    ['redis://a,b', 'must name one host'],
    ['redis://host:port', 'must be redis://'],
    ['redis://host:70000', 'must have a port from 1 to 65535'],
    ['redis+sentinel://a:26379', 'must name the primary'],
    ['redis://host/zero', 'must have a number as its database'],
  ])('refuses %s', (url, message) => {
    expect(() => parseRedisUrl(url)).toThrow(message);
  });

  it('never shows a password', () => {
    expect.assertions(6);
    for (const url of [
      'redis://u:geheim@a,b',
      'redis://u:geheim@a:x',
      'redis+foo://u:geheim@a',
      'redis://u:geheim/@a',
      'redis://u:x/geheim@a',
      'redis://:x/y@geheim@a',
    ]) {
      try {
        parseRedisUrl(url);
      } catch (error) {
        expect(String(error)).not.toContain('geheim');
      }
    }
  });
});
