import { describe, expect, it } from '@jest/globals';
import { parseNetworkAllow } from '../../config/network-allow.js';
import { checkHost, NetworkRefusal, openAddresses, plainTarget } from './network-rules.js';

const OWN = new Set(['192.168.7.7', '93.184.215.14']);

/** What happens to a connection: the addresses that it may go to, or why it is refused. */
function outcome(allow: string, host: string, port: number, addresses = [host]): string {
  const rules = parseNetworkAllow(allow);
  try {
    const target = plainTarget({ host, port });
    checkHost(rules, target);
    return openAddresses(rules, target, addresses, OWN).join(' ');
  } catch (error) {
    if (!(error instanceof NetworkRefusal)) throw error;
    return `refused: ${error.reason}`;
  }
}

describe('what may be reached', () => {
  it.each([
    // every public host, by default
    ['*', 'a.example', 443, ['1.1.1.1'], '1.1.1.1'],
    ['*', 'A.EXAMPLE.', 80, ['1.1.1.1'], '1.1.1.1'],
    ['*', '1.1.1.1', 80, undefined, '1.1.1.1'],
    ['*', '[2606:4700::1]', 443, ['2606:4700::1'], '2606:4700::1'],
    ['*', 'a.example', 22, ['1.1.1.1'], 'refused: port'],
    ['*', 'a.example', 443, ['10.0.0.1'], 'refused: address'],
    ['*', 'a.example', 443, ['10.0.0.1', '1.1.1.1', '127.0.0.1'], '1.1.1.1'],
    ['*', '127.0.0.1', 80, undefined, 'refused: address'],
    ['*', '169.254.169.254', 80, undefined, 'refused: address'],
    // own addresses are inside, also public ones
    ['*', 'a.example', 443, ['93.184.215.14'], 'refused: address'],
    ['*,93.184.215.14', 'a.example', 443, ['93.184.215.14'], '93.184.215.14'],
    // named hosts
    ['a.example', 'a.example', 443, ['1.1.1.1'], '1.1.1.1'],
    ['a.example', 'b.example', 443, ['1.1.1.1'], 'refused: host'],
    ['a.example', 'a.example.evil', 443, ['1.1.1.1'], 'refused: host'],
    ['a.example', 'x.a.example', 443, ['1.1.1.1'], 'refused: host'],
    ['a.example', '1.1.1.1', 443, undefined, 'refused: host'],
    ['a.example:8443', 'a.example', 443, ['1.1.1.1'], 'refused: port'],
    ['a.example:8443', 'a.example', 8443, ['1.1.1.1'], '1.1.1.1'],
    ['*.a.example', 'x.y.a.example', 443, ['1.1.1.1'], '1.1.1.1'],
    ['*.a.example', 'a.example', 443, ['1.1.1.1'], 'refused: host'],
    ['*.a.example', 'evila.example', 443, ['1.1.1.1'], 'refused: host'],
    ['a.example', 'a.example', 443, ['10.0.0.1'], 'refused: address'],
    // what is inside, opened by name or by address
    ['a.example/private', 'a.example', 443, ['10.0.0.1'], '10.0.0.1'],
    ['a.example/private', 'a.example', 443, ['169.254.169.254'], 'refused: address'],
    ['*,a.example:81/private', 'a.example', 80, ['10.0.0.1'], 'refused: address'],
    ['10.0.0.0/8', '10.2.3.4', 80, undefined, '10.2.3.4'],
    ['10.0.0.0/8', '11.2.3.4', 80, undefined, 'refused: host'],
    ['10.0.0.0/8:8080', '10.2.3.4', 80, undefined, 'refused: port'],
    ['10.0.0.0/8', '::ffff:10.2.3.4', 80, undefined, '::ffff:10.2.3.4'],
    ['10.0.0.0/8', 'a.example', 80, ['10.2.3.4'], 'refused: host'],
    ['*,10.0.0.0/8', 'a.example', 80, ['10.2.3.4'], '10.2.3.4'],
    ['fd00::/8', 'fd00::1', 80, undefined, 'fd00::1'],
    ['0.0.0.0/0:*', '169.254.169.254', 80, undefined, 'refused: address'],
    ['0.0.0.0/0:*', '0.0.0.0', 80, undefined, 'refused: address'],
    ['0.0.0.0/0:*', '127.0.0.1', 1234, undefined, '127.0.0.1'],
    // no host names
    ['*:*', 'a.example\r\nHost: b', 80, ['1.1.1.1'], 'refused: malformed'],
    ['*:*', 'a.example\0.b', 80, ['1.1.1.1'], 'refused: malformed'],
    ['*:*', '2130706433', 80, ['127.0.0.1'], 'refused: malformed'],
    ['*:*', '0x7f.1', 80, ['127.0.0.1'], 'refused: malformed'],
    ['*:*', 'a@b', 80, ['1.1.1.1'], 'refused: malformed'],
    ['*:*', '', 80, ['1.1.1.1'], 'refused: malformed'],
    ['*:*', 'fe80::1%lo', 80, ['fe80::1%lo'], 'refused: malformed'],
  ])('%s lets %s:%s through to: %s', (allow, host, port, addresses, expected) => {
    expect(outcome(allow, host, port, addresses)).toBe(expected);
  });

  it('gives the code the host and the setting, and no address inside', () => {
    const rules = parseNetworkAllow('*');
    const target = { host: 'a.example', port: 443 };
    expect(() => openAddresses(rules, target, ['10.9.8.7'], OWN)).toThrow(
      /^a\.example:443 is refused: .*NETWORK_ALLOW/,
    );
    expect(() => openAddresses(rules, target, ['10.9.8.7'], OWN)).not.toThrow(/10\.9\.8\.7/);
  });
});
