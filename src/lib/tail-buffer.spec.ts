import { describe, expect, it } from '@jest/globals';
import { TailBuffer } from './tail-buffer.js';

const filled = (limitBytes: number, ...texts: string[]): TailBuffer => {
  const buffer = new TailBuffer(limitBytes);
  for (const text of texts) buffer.append(text);
  return buffer;
};

describe('TailBuffer', () => {
  it('keeps everything up to its limit', () => {
    const buffer = filled(6, 'abc', '', 'def');
    expect(String(buffer)).toBe('abcdef');
    expect([buffer.bytes, buffer.truncated]).toEqual([6, false]);
  });

  it('drops the oldest bytes and says how many', () => {
    const buffer = filled(6, 'abc', 'def', 'gh');
    expect(String(buffer)).toBe('[… 2 bytes truncated …]\ncdefgh');
    expect([buffer.bytes, buffer.truncated]).toEqual([8, true]);
  });

  it('drops whole chunks and part of the next', () => {
    expect(String(filled(4, 'ab', 'cd', 'efg', 'h'))).toBe('[… 4 bytes truncated …]\nefgh');
  });

  it('keeps the end of a text that is larger than all of it', () => {
    expect(String(filled(3, 'x', 'abcdefgh'))).toBe('[… 6 bytes truncated …]\nfgh');
  });

  it('counts bytes and never cuts a character in two', () => {
    // é: 2 bytes, €: 3 bytes, 😀: 4 bytes
    const buffer = filled(5, 'é€', '😀');
    expect(String(buffer)).toBe('[… 5 bytes truncated …]\n😀');
    expect(buffer.bytes).toBe(9);
    expect(String(filled(4, '€€'))).toBe('[… 3 bytes truncated …]\n€');
  });

  it('keeps nothing with a limit of 0', () => {
    expect(String(filled(0, 'abc'))).toBe('[… 3 bytes truncated …]\n');
  });

  it('stays exact over many small pieces', () => {
    const buffer = new TailBuffer(1000);
    let whole = '';
    for (let i = 0; i < 20_000; i++) {
      buffer.append(`${i}\n`);
      whole += `${i}\n`;
    }
    expect(String(buffer)).toBe(`[… ${whole.length - 1000} bytes truncated …]\n${whole.slice(-1000)}`);
  });
});
