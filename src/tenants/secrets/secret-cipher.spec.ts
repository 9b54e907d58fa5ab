import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { secretKeys, troubleOfSecretKeys } from '../../config/secret-keys.js';
import { seal, SealError, unseal } from './secret-cipher.js';

const [one, two] = [randomBytes(32), randomBytes(32)];
const [first, second] = secretKeys(`${one.toString('base64')}, ${two.toString('hex')}`);
const PLACE = { organization: 'acme', name: 'KEY' };
const VALUE = 'a secret, with ünïcode';

describe('a secret that is encrypted', () => {
  const sealed = seal(first!, PLACE, VALUE);

  it('is read with its key, which may stand anywhere in the list', () => {
    expect(unseal([first!, second!], PLACE, sealed)).toBe(VALUE);
    expect(unseal([second!, first!], PLACE, sealed)).toBe(VALUE);
    expect(sealed.key_id).toBe(first!.id);
    expect(JSON.stringify(sealed)).not.toContain(VALUE.slice(0, 8));
  });

  it('differs each time', () => {
    const again = seal(first!, PLACE, VALUE);
    expect([again.nonce === sealed.nonce, again.data === sealed.data]).toEqual([false, false]);
  });

  it('is not read with another key, and says which one it needs', () => {
    expect(() => unseal([second!], PLACE, sealed)).toThrow(
      `with the key ${first!.id}, which SECRETS_KEY lacks`,
    );
  });

  it.each([
    ['of another organization', { ...PLACE, organization: 'other' }, sealed],
    ['of another name', { ...PLACE, name: 'OTHER' }, sealed],
    ['that was changed', PLACE, { ...sealed, data: Buffer.alloc(24).toString('base64') }],
    ['whose tag was cut off', PLACE, { ...sealed, tag: sealed.tag.slice(0, 4) }],
  ])('is not read from a record %s', (_, place, record) => {
    expect(() => unseal([first!], place, record)).toThrow(SealError);
  });
});

describe('SECRETS_KEY', () => {
  it('names keys by an id that is the same in every form', () => {
    expect(secretKeys(one.toString('hex'))[0]).toEqual(first);
    expect(first!.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each(['', 'short', randomBytes(31).toString('base64'), `${one.toString('base64')},x`])(
    'is refused without being shown: %j',
    (list) => {
      const trouble = troubleOfSecretKeys(list);
      expect(trouble).not.toBeNull();
      if (list.length > 4) expect(trouble).not.toContain(list);
    },
  );
});
