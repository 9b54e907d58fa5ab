/** What inline code gives back, with and without a function to call. */
export interface ValueRow {
  name: string;
  code: string;
  /** Export to call; null: it runs as a script. Default: null. */
  call?: string | null;
  parameters?: Record<string, unknown>;
  /** The result; or what is said of the failure. */
  gives: { result: unknown } | { failure: string; message: RegExp };
}

const value = (name: string, code: string, result: unknown, call: string | null = null): ValueRow => ({
  name,
  code,
  call,
  gives: { result },
});
const fault = (
  name: string,
  code: string,
  failure: string,
  message: RegExp,
  call: string | null = null,
): ValueRow => ({
  name,
  code,
  call,
  gives: { failure, message },
});

export const VALUES: readonly ValueRow[] = [
  value('a default promise', 'export default Promise.resolve(42)', 42),
  value(
    'a default promise of an async function',
    'async function load() { return { n: 1 } }\nexport default load()',
    { n: 1 },
  ),
  value(
    'promises within a default export',
    'export default { a: Promise.resolve(1), b: [Promise.resolve(2)] }',
    { a: 1, b: [2] },
  ),
  value('a module.exports that is a promise', 'module.exports = Promise.resolve(5)', 5),
  value('a top-level return', 'const items = [1, 2];\nreturn items.map((n) => n * 2);', [2, 4]),
  value('a top-level return of a promise', 'async function load() { return 7 }\nreturn load()', 7),
  value('a top-level return of nothing', 'if (true) return;', null),
  value('a default function that no name calls', 'export default (parameters) => parameters.n + 1', 42),
  value(
    'an async default function',
    'export default async function run({ n }, context) { await null; return [n, typeof context.executionId] }',
    [41, 'string'],
  ),
  value('a module.exports function', 'module.exports = ({ n }) => n', 41),
  value('a default class is not called', 'export default class Job {}', null),
  value(
    'a default export that grows later',
    'const list = [];\nsetTimeout(() => list.push(1), 5);\nexport default list',
    [1],
  ),
  value(
    'a function of a module that runs itself as a program',
    `import { fileURLToPath, pathToFileURL } from 'node:url';
    const calls = [];
    export function main() { calls.push('called'); return calls }
    if (process.argv[1] === fileURLToPath(import.meta.url)) main();
    if (import.meta.url === pathToFileURL(process.argv[1]).href || import.meta.main) main();`,
    ['called'],
    'main',
  ),
  value('a script without a value', 'console.log(1)', null),
  value(
    'a method of module.exports',
    'module.exports = { rate: 2, tax(n) { return n * this.rate }, total(p) { return this.tax(p.n) } }',
    82,
    'total',
  ),
  value(
    'a method of a default instance',
    'class Job { rate = 3; run({ n }) { return n * this.rate } }\nexport default new Job()',
    123,
    'run',
  ),
  value(
    'a static method',
    'export default class Job { static rate = 2; static run({ n }) { return n * this.rate } }',
    82,
    'run',
  ),
  value(
    'a method of exports',
    'exports.rate = 2;\nexports.run = function (p) { return p.n * this.rate }',
    82,
    'run',
  ),
  value('this of a plain export', 'export function run() { return this === undefined }', true, 'run'),
  value('default of module.exports', 'module.exports = { default() { return "d" } }', 'd', 'default'),
  value(
    'transpiled exports',
    'Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = () => "t"',
    't',
    'default',
  ),
  value('a Map', 'export default () => new Map([["a", 1]])', [['a', 1]], 'default'),
  value('the environment, of nothing', 'export default () => [process.env]', [{}], 'default'),
  value('a Set', 'export default () => new Set([1, "b"])', [1, 'b'], 'default'),
  value('URLSearchParams', 'export default () => new URLSearchParams({ a: "1" })', 'a=1', 'default'),
  value('Headers', 'export default () => new Headers({ A: "1" })', { a: '1' }, 'default'),
  value('a generator', 'export default function* () { yield 1; yield 2 }', [1, 2], 'default'),
  value('an async generator', 'export default async function* () { yield 1; yield 2 }', [1, 2], 'default'),
  value('async map', 'export default () => [1, 2].map(async (n) => n * 2)', [2, 4], 'default'),
  value(
    'bytes',
    'export default () => ({ u8: new Uint8Array([1, 2]), big: 10n, re: /a/g, d: new Date(0) })',
    { u8: [1, 2], big: '10', re: '/a/g', d: '1970-01-01T00:00:00.000Z' },
    'default',
  ),
  value(
    'keys of any name',
    'export default () => JSON.parse(\'{"__proto__":1,"constructor":2}\')',
    JSON.parse('{"__proto__":1,"constructor":2}'),
    'default',
  ),
  fault(
    'a Response',
    'export default () => ({ r: new Response("x") })',
    'RESULT_NOT_SERIALIZABLE',
    /\.r: an instance of Response/,
    'default',
  ),
  fault(
    'a WeakMap',
    'export default () => [new WeakMap()]',
    'RESULT_NOT_SERIALIZABLE',
    /\[0\]: an instance of WeakMap/,
    'default',
  ),
  fault(
    'a function in a list',
    'export default () => [() => 1]',
    'RESULT_NOT_SERIALIZABLE',
    /\[0\]: a function/,
    'default',
  ),
  fault(
    'a circle',
    'export default () => { const a = {}; a.b = { a }; return a }',
    'RESULT_NOT_SERIALIZABLE',
    /\.b\.a: .*circular/,
    'default',
  ),
  fault(
    'an endless generator',
    'export default function* () { for (;;) yield 1 }',
    'RESULT_NOT_SERIALIZABLE',
    /more than 10000 items/,
    'default',
  ),
  fault(
    'a rejected promise within',
    'export default () => ({ a: Promise.reject(new Error("mine")) })',
    'USER_ERROR',
    /mine/,
    'default',
  ),
  fault(
    'a function that never settles',
    'export default () => new Promise(() => {})',
    'USER_ERROR',
    /never settles/,
    'default',
  ),
  fault(
    'a module that never settles',
    'await new Promise(() => {});\nexport default () => 1',
    'USER_ERROR',
    /never settles/,
    'default',
  ),
  fault(
    'fetch without network',
    'export default () => fetch("http://127.0.0.1:1/")',
    'USER_ERROR',
    /fetch failed/,
    'default',
  ),
  fault(
    'a write outside',
    'export default () => process.getBuiltinModule("fs").writeFileSync("/tmp/out.csv", "x")',
    'USER_ERROR',
    /scratch folder/,
    'default',
  ),
  fault(
    'node:sqlite',
    'import "node:sqlite";\nexport default () => 1',
    'USER_ERROR',
    /node:sqlite is refused: it opens files past the isolation/,
    'default',
  ),
  ...['constructor', 'toString', '__proto__', 'call'].map((name) =>
    fault(
      `a function that every function has: ${name}`,
      'export default function main() {}',
      'USER_ERROR',
      /is not a function that the module exports; it exports: default/,
      name,
    ),
  ),
  fault(
    'a function that every object has',
    'class Job { run() {} }\nexport default new Job()',
    'USER_ERROR',
    /"constructor" is not a function that the module exports/,
    'constructor',
  ),
  fault(
    'a function that is not there',
    'export const a = 1;\nexport function b() {}',
    'USER_ERROR',
    /"c" is not a function that the module exports; it exports: b/,
    'c',
  ),
];
