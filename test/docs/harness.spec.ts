import { describe, expect, it } from '@jest/globals';
import { splitCommands } from './harness/page-commands.js';
import { differences } from './harness/promises.js';

describe('the commands of a block', () => {
  it.each([
    ['a\nb', ['a', 'b']],
    ['# only a remark\n\na # and one after it', ['a # and one after it']],
    ['curl -d \'{\n  "a": 1\n}\'\nb', ['curl -d \'{\n  "a": 1\n}\'', 'b']],
    ['a \\\n  --b\nc', ['a \\\n  --b', 'c']],
    ["cat > f <<'END'\nit's text\nEND\nb", ["cat > f <<'END'\nit's text\nEND", 'b']],
    ['for n in 1 2; do\n  a\ndone | b\nc', ['for n in 1 2; do\n  a\ndone | b', 'c']],
    ['until a; do b; done\nc', ['until a; do b; done', 'c']],
    ["echo 'for (;;) {}' > f\nb", ["echo 'for (;;) {}' > f", 'b']],
    ['for a in 1; do\n  until b; do c; done\ndone\nd', ['for a in 1; do\n  until b; do c; done\ndone', 'd']],
    ["a # it's a remark\nb", ["a # it's a remark", 'b']],
  ])('%j are these', (script, commands) => {
    expect(splitCommands(script)).toEqual(commands);
  });

  it('have an end', () => {
    expect(() => splitCommands("curl -d '{")).toThrow('has no end');
  });
});

describe('what a page promises', () => {
  const text = (promised: string, printed: string): string[] =>
    differences({ format: 'text', text: promised }, printed);
  const json = (promised: unknown, printed: unknown): string[] =>
    differences({ format: 'json', text: JSON.stringify(promised) }, JSON.stringify(printed));

  it.each([
    ['a\nb', 'x\na\ny\nb\n'],
    ['a … c', 'a 1 2 c'],
    ['a   b', 'a b'],
    ['…\nb', 'b'],
  ])('is kept: %j by %j', (promised, printed) => {
    expect(text(promised, printed)).toEqual([]);
  });

  it.each([
    ['a', 'b'],
    ['a\nb', 'b\na'],
    ['a', 'a 1'],
    ['a … c', 'a 1 2'],
  ])('is broken: %j by %j', (promised, printed) => {
    expect(text(promised, printed)).toHaveLength(1);
  });

  it.each([
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: '…' }, { a: { b: 1 } }],
    [{ a: 'x…' }, { a: 'x y' }],
    [
      [1, '…'],
      [1, 2, 3],
    ],
  ])('is kept in JSON: %j by %j', (promised, printed) => {
    expect(json(promised, printed)).toEqual([]);
  });

  it.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: '…' }, { b: 1 }],
    [{ a: 'x…' }, { a: 'y' }],
    [[1], [1, 2]],
    [{ a: { b: null } }, { a: 1 }],
  ])('is broken in JSON: %j by %j', (promised, printed) => {
    expect(json(promised, printed).length).toBeGreaterThan(0);
  });

  it('is broken by what is no JSON', () => {
    expect(differences({ format: 'json', text: '{}' }, 'no')).toHaveLength(1);
  });
});
