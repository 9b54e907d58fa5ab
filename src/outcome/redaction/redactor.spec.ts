import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { REDACTED, Redactor, TooManySecretsError } from './redactor.js';

const PLAIN = 'sk_live_4eC39HqLyjWDarjtT1';
const ODD = `p@ss/w"o'rd\\+ 100% ü€~\`{}?#&=`;
const KEY_FILE = `-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQDh\n-----END KEY-----\n`;
const LONG = Array.from({ length: 700 }, (_, index) => String.fromCharCode(97 + ((index * 7) % 26))).join('');
const SECRETS = { PLAIN, ODD, KEY_FILE, LONG, SHORT: 'a1b2', NUMBER: '98765432' };

/** Ways in which code shows a text. */
const SHOWN: Record<string, (secret: string) => string> = {
  raw: (secret) => secret,
  'in JSON': (secret) => JSON.stringify({ token: secret }),
  'in JSON inside JSON': (secret) => JSON.stringify({ body: JSON.stringify({ token: secret }) }),
  inspected: (secret) => inspect({ token: secret }, { breakLength: Infinity }),
  'inspected with other quotes': (secret) => inspect([`it's ${secret}`], { breakLength: Infinity }),
  'inspected with all quotes': (secret) => inspect([`'"\` ${secret}`], { breakLength: Infinity }),
  'as a query parameter': (secret) => {
    const url = new URL('https://example.com/a?b=c');
    url.searchParams.set('token', secret);
    return url.href;
  },
  'in a query': (secret) => new URL(`https://example.com/?q=${encodeURIComponent(secret)}&x=1`).href,
  'as a password of a URL': (secret) => {
    const url = new URL('https://user@example.com/');
    url.password = secret;
    return url.href;
  },
  'in a path': (secret) => {
    const url = new URL('https://example.com');
    url.pathname = `/keys/${secret.replaceAll(/[\r\n]/g, '')}/rest`;
    return url.href;
  },
  'percent-encoded in small letters': (secret) =>
    encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase()),
  'by escape': escape,
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in base64 after one byte': (secret) => Buffer.from(`:${secret}`).toString('base64'),
  'in base64 after two bytes': (secret) => Buffer.from(`a:${secret}`).toString('base64'),
  'in base64 with more after it': (secret) => Buffer.from(`user:${secret}:more`).toString('base64'),
  'in base64url amid more': (secret) => Buffer.from(`{"k":"${secret}"}`).toString('base64url'),
  'in hexadecimal': (secret) => Buffer.from(secret).toString('hex'),
  'in capital hexadecimal': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
};

/** Whether the secret can be decoded from a text; eight characters in a row are too much. */
function tells(text: string, secret: string): boolean {
  const core = secret.trim();
  if (text.includes(core)) return true;
  const decoded = [text, ...(text.match(/[\w+/-]{8,}/g) ?? []).flatMap(decodings)];
  return decoded.some((candidate) => candidate.includes(core.slice(0, Math.max(4, core.length >> 1))));
}

const decodings = (text: string): string[] => [
  ...[0, 1, 2, 3].map((skip) => Buffer.from(text.slice(skip), 'base64').toString('latin1')),
  Buffer.from(text, 'hex').toString('utf8'),
];

const redactor = new Redactor(Object.values(SECRETS));

describe.each(Object.entries(SECRETS))('the secret %s', (_name, secret) => {
  it.each(Object.entries(SHOWN))('is found %s', (_way, show) => {
    const shown = `before ${show(secret)} after`;
    const redacted = redactor.text(shown);
    expect(redacted).toContain(REDACTED);
    expect(tells(redacted, secret)).toBe(false);
    expect(redacted).toMatch(/^before .* after$/s);
  });

  it.each(Object.entries(SHOWN))('is found %s wherever the text is cut', (_way, show) => {
    const shown = `before ${show(secret)} after`;
    const whole = redactor.text(shown);
    const cutAt = (cut: number): string => {
      const stream = redactor.stream();
      return stream.write(shown.slice(0, cut)) + stream.end(shown.slice(cut));
    };
    // One comparison for each would take longer than the redaction.
    const cuts = Array.from({ length: shown.length + 1 }, (_, cut) => cut);
    expect(cuts.filter((cut) => cutAt(cut) !== whole)).toEqual([]);
    const stream = redactor.stream();
    const units = shown.split('').map((unit) => stream.write(unit));
    expect(units.join('') + stream.end()).toBe(whole);
  });
});

describe('a stream', () => {
  it('holds back nothing but the beginning of a secret, and passes it on when it was none', () => {
    const stream = new Redactor(['topsecret']).stream();
    expect(stream.write('a line\n')).toBe('a line\n');
    expect(stream.write('top')).toBe('');
    expect(stream.holds).toBe(true);
    expect(stream.write('ic\n')).toBe('topic\n');
    expect(stream.holds).toBe(false);
    expect(stream.write('he stops')).toBe('he s');
    expect(stream.end()).toBe('tops');
  });

  it('marks a secret that was cut at the end', () => {
    const stream = new Redactor(['a-very-secret-value']).stream();
    expect(stream.write('key: a-very-secret')).toBe('key: ');
    expect(stream.end()).toBe(REDACTED);
  });

  it('redacts secrets that overlap as one', () => {
    const redactor = new Redactor(['abcdef', 'efghij', 'cdefgh']);
    for (const parts of [['xabcdefghijx'], ['xabcdef', 'ghijx'], ['xabcd', 'ef', 'gh', 'ijx']]) {
      const stream = redactor.stream();
      expect(parts.map((part) => stream.write(part)).join('') + stream.end()).toBe(`x${REDACTED}x`);
    }
    expect(redactor.text('abcdefgx')).toBe(`${REDACTED}gx`);
  });

  it('agrees with the whole text for random texts and cuts', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const word = (length: number): string => Array.from({ length }, () => 'ab'[random(2)]).join('');
    const wrong: unknown[] = [];
    for (let round = 0; round < 2000; round += 1) {
      const redactor = new Redactor([word(4 + random(4)), word(4 + random(9))]);
      const text = word(random(60));
      const stream = redactor.stream();
      let written = '';
      for (let at = 0; at < text.length;) {
        const length = 1 + random(9);
        written += stream.write(text.slice(at, at + length));
        at += length;
      }
      const all = written + stream.end();
      if (all !== redactor.text(text)) wrong.push([text, all]);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a value', () => {
  it('is redacted in its texts, keys and numbers, everywhere', () => {
    const value = { list: [`a ${PLAIN}`, { [PLAIN]: 98765432 }], same: [1, true, null, 'text'] };
    expect(redactor.value(value)).toEqual({
      list: [`a ${REDACTED}`, { [REDACTED]: REDACTED }],
      same: [1, true, null, 'text'],
    });
  });

  it('stays the same object where there are no secrets', () => {
    const value = { a: 1 };
    expect(new Redactor([]).value(value)).toBe(value);
    expect(new Redactor(['', 'abc']).isEmpty).toBe(true);
  });

  it('that is nested without end does no harm', () => {
    let value: unknown = PLAIN;
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    let shown: unknown = redactor.value(value);
    while (Array.isArray(shown)) shown = (shown as unknown[])[0];
    expect(shown).toBe(REDACTED);
  });

  it('keeps keys that show secrets apart', () => {
    const apart = new Redactor(['name', 'email', 'phone']);
    expect(apart.value({ name: 1, email: 2, phone: 3, other: 4 })).toEqual({
      '[redacted]': 1,
      '[redacted] (2)': 2,
      '[redacted] (3)': 3,
      other: 4,
    });
  });

  it('keeps a key named __proto__ a key', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1}}');
    expect(JSON.stringify(redactor.value(value))).toBe('{"__proto__":{"a":1}}');
  });
});

describe('many secrets', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `aaaa${String(index).padStart(4, '0')}`);

  it('are found, and what only begins like them is shown', async () => {
    const redactor = await Redactor.prepare(many);
    expect(redactor.text(`${'a'.repeat(20_000)}2999 and ${'a'.repeat(9)}`)).toBe(
      `${'a'.repeat(19_996)}${REDACTED} and ${'a'.repeat(9)}`,
    );
  });

  it('are prepared in turns, between which others have theirs', async () => {
    let turns = 0;
    let isReady = false;
    const count = (): void => {
      turns += 1;
      if (!isReady) setImmediate(count);
    };
    count();
    await Redactor.prepare(many);
    isReady = true;
    expect(turns).toBeGreaterThan(2);
  });

  it('beyond what can be looked for are refused with the limit', async () => {
    const tooMany = Array.from({ length: 4000 }, (_, index) => `${index}ü`.repeat(6));
    await expect(Redactor.prepare(tooMany)).rejects.toThrow(TooManySecretsError);
    await expect(Redactor.prepare(tooMany)).rejects.toThrow(/1048576 characters/);
  });
});
