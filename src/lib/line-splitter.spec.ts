import { describe, expect, it } from '@jest/globals';
import { LineSplitter, LineTooLongError } from './line-splitter.js';

const push = (splitter: LineSplitter, chunk: string | Buffer): string[] => {
  const lines: string[] = [];
  splitter.push(Buffer.from(chunk), (line) => lines.push(line));
  return lines;
};

describe('LineSplitter', () => {
  it('gives the lines of a chunk, without what is unfinished', () => {
    const splitter = new LineSplitter(100);
    expect(push(splitter, 'one\ntwo\nthr')).toEqual(['one', 'two']);
    expect(push(splitter, 'ee\n')).toEqual(['three']);
  });

  it('gives empty lines and leaves carriage returns alone', () => {
    expect(push(new LineSplitter(100), '\n\na\r\n')).toEqual(['', '', 'a\r']);
  });

  it('puts a line together however it is cut, also within a character', () => {
    const bytes = Buffer.from('grüße 😀\nnext\n');
    const splitter = new LineSplitter(100);
    const lines = [...bytes].flatMap((byte) => push(splitter, Buffer.from([byte])));
    expect(lines).toEqual(['grüße 😀', 'next']);
  });

  it('takes a line of exactly the limit', () => {
    expect(push(new LineSplitter(4), 'abcd\nefgh\n')).toEqual(['abcd', 'efgh']);
  });

  it('refuses a line beyond the limit, finished or not', () => {
    expect(() => push(new LineSplitter(4), 'abcde\n')).toThrow(LineTooLongError);
    const splitter = new LineSplitter(4);
    expect(push(splitter, 'abc')).toEqual([]);
    expect(() => push(splitter, 'de')).toThrow('longer than 4 bytes');
  });

  it('gives the lines before one that is too long', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter(4);
    expect(() => splitter.push(Buffer.from('ok\ntoo long\n'), (line) => lines.push(line))).toThrow(
      LineTooLongError,
    );
    expect(lines).toEqual(['ok']);
  });
});
