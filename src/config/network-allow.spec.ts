import { describe, expect, it } from '@jest/globals';
import { parseNetworkAllow } from './network-allow.js';

const host = (name: string | null, changes: object = {}) => ({
  kind: 'host',
  name,
  below: false,
  ports: 'web',
  leadsInside: false,
  ...changes,
});

describe('parseNetworkAllow', () => {
  it.each([
    ['*', host(null)],
    ['*:*', host(null, { ports: 'any' })],
    ['API.Example.com.', host('api.example.com')],
    ['*.example.com:8443', host('example.com', { below: true, ports: 8443 })],
    ['wiki.example.com/private', host('wiki.example.com', { leadsInside: true })],
    ['wiki:8080/private', host('wiki', { ports: 8080, leadsInside: true })],
    ['*.svc.local:*/private', host('svc.local', { below: true, ports: 'any', leadsInside: true })],
  ])('reads %s', (entry, parsed) => {
    expect(parseNetworkAllow(entry)).toEqual([parsed]);
  });

  it.each([
    ['10.1.2.3', '10.1.2.3/32', 'web'],
    ['10.1.0.0/16:8080', '10.1.0.0/16', 8080],
    ['fd00::/8', 'fd00::/8', 'web'],
    ['[fd00::1]:8080', 'fd00::1/128', 8080],
    ['[fd00::]:*', 'fd00::/128', 'any'],
    ['[fd00::/64]:81', 'fd00::/64', 81],
  ])('reads the range %s', (entry, range, ports) => {
    const [parsed] = parseNetworkAllow(entry);
    if (parsed?.kind !== 'range') throw new Error('no range');
    expect(`${parsed.range[0].toString()}/${parsed.range[1]}`).toBe(range);
    expect(parsed.ports).toBe(ports);
  });

  it('reads lists with blanks', () => {
    expect(parseNetworkAllow(' a.example , b.example,, ')).toEqual([host('a.example'), host('b.example')]);
  });

  it.each([
    'http://example.com',
    'example.com/path',
    'exa mple.com',
    'a..b',
    '-a.com',
    '*example.com',
    'a.*.com',
    'a.com:0',
    'a.com:65536',
    'a.com:x',
    '*/private',
    '10.0.0.1/private',
    '10.0.0.0/33',
    '10.1',
    '0x7f.1',
    'fe80::1%eth0',
    '10.0.0.1:80:80',
  ])('refuses %s and names it', (entry) => {
    expect(() => parseNetworkAllow(`fine.example,${entry}`)).toThrow(`"${entry}"`);
  });
});
