import { describe, expect, it } from '@jest/globals';
import { Packr } from 'msgpackr';
import { luaTemplate } from './lua-template.js';

const GAPS = [
  ['#id#', 'ARGV[1]'],
  ['#at#', 'ARGV[2]'],
] as const;
const packed = (value: unknown): Buffer =>
  new Packr({ useRecords: false, encodeUndefinedAsNil: true }).pack(value);

describe('luaTemplate', () => {
  it.each<[string | number | Buffer | undefined, string]>([
    ['text', `'text'`],
    [7, `'7'`],
    [undefined, `''`],
    ['', `''`],
    ['#id#', 'ARGV[1]'],
    ['bull:q:#id#', `'bull:q:' .. ARGV[1]`],
    ['#at#-#id#!', `ARGV[2] .. '-' .. ARGV[1] .. '\\033'`],
    [`it's`, `'it\\039s'`],
    [packed(['p', '#id#', null]), `'\\147\\161p' .. packedText(ARGV[1]) .. '\\192'`],
    [packed({ a: 1 }), `'\\222\\000\\001\\161a\\001'`],
  ])('writes %j as Lua', (made, lua) => {
    expect(luaTemplate(made, GAPS)).toBe(lua);
  });

  it('refuses a gap that is a part of a packed text, and one that is long', () => {
    expect(() => luaTemplate(packed(['key:#id#']), GAPS)).toThrow('no text of its own');
    expect(() => luaTemplate('x', [['#'.repeat(32), 'ARGV[1]']])).toThrow('too long');
  });
});
