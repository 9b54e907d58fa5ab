import fc from 'fast-check';
import type { RunnerFrame } from '../../../src/boundary/runner-frames.js';

/** What a test lets a runner send: bytes that its process writes at once. */
export const NONCE = 'nonce-of-the-execution';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'x'.repeat(5_000), '\u0000', '\ud800'),
);
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 1e308, 2 ** 53));
const json = fc.oneof(
  { weight: 8, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>({ __proto__: null, constructor: 1 }, [[[[]]]]) },
);
const record = fc.dictionary(text, json, { maxKeys: 4 });
const url = fc.oneof(
  text,
  fc.constantFrom(
    'file://evil/node_modules/x.js',
    'file:///a%2Fb/node_modules/x.js',
    'file:///%E0%A4%A/node_modules/x',
    'node:internal/x',
    '/bifrost/own.js',
    'file:///bifrost/own.js',
    'file:///bifrost/%zz',
    'data:text/javascript,0/node_modules/',
  ),
);
const position = fc.oneof(fc.nat(), number);
const place = fc.record({ functionName: text, url, line: position, column: position });
const locals = fc.option(
  fc.array(
    place.chain((at) => record.map((variables) => ({ ...at, variables }))),
    { maxLength: 6 },
  ),
);
const usage = fc.record({ userMs: number, systemMs: number, maxRssMb: number });
const limit = fc.constantFrom(null, 'memory', 'file-size', 'open-files', 'processes', 'none');
const code = fc.constantFrom(
  'USER_ERROR',
  'RESULT_NOT_SERIALIZABLE',
  'OUTPUT_LIMIT',
  'MODULE_NOT_FOUND',
  'INTERNAL',
  'STALLED_OUT',
);
const nullable = fc.option(text);
const failed = { name: text, message: text, stack: nullable, limit, final: fc.boolean(), locals };

type Shapes = { [Type in RunnerFrame['type']]: fc.Arbitrary<object> };

/** Frames of every type: most with the right fields, whose values may be anything. */
const SHAPES: Shapes = {
  ready: fc.constant({}),
  alive: fc.record({ resources: fc.array(text) }),
  unheard: fc.constant({}),
  settled: fc.record({ dirty: fc.array(text, { maxLength: 3 }) }),
  'thread-ended': fc.record({
    exitCode: number,
    outOfMemory: fc.boolean(),
    places: fc.option(fc.array(place, { maxLength: 4 })),
    usage: fc.option(fc.record({ userMs: number, systemMs: number })),
  }),
  used: fc.record({ userMs: number, systemMs: number }),
  loaded: fc.record({ loadMs: number }),
  output: fc.record(
    {
      stream: fc.constantFrom('stdout', 'stderr'),
      level: text,
      text,
      ts: number,
      message: text,
      fields: record,
    },
    { requiredKeys: ['stream', 'level', 'text', 'ts'] },
  ),
  result: fc.oneof(
    { weight: 3, arbitrary: fc.record({ value: json, variables: record, usage }) },
    {
      weight: 1,
      arbitrary: fc.record({
        value: json,
        variables: record,
        usage,
        loadMs: number,
        settled: fc.constantFrom(true, true, false, 1),
      }),
    },
  ),
  error: fc.record({
    ...failed,
    code,
    fields: fc.array(fc.record({ field: text, message: text }), { maxLength: 3 }),
    variables: record,
    usage,
  }),
  exiting: fc.record({ exitCode: number, variables: record, usage }),
  uncaught: fc.record(failed),
  'module-request': fc.record({ specifier: text, from: url, missing: fc.boolean() }),
  progress: fc.record({
    fraction: fc.oneof(number, fc.double({ min: 0, max: 1, noNaN: true })),
    message: nullable,
  }),
};

const frame = fc.oneof(
  ...Object.entries(SHAPES).map(([type, fields]) => fields.map((shape) => ({ type, ...shape }))),
);
/** With one field that is something else, missing, or too many. */
const broken = fc.tuple(frame, fc.nat(), json).map(([shape, index, value]) => {
  const names = Object.keys(shape);
  return { ...shape, [names[index % names.length] as string]: value };
});
const deep = fc
  .tuple(fc.constantFrom('value', 'variables', 'fields'), fc.constantFrom(10, 99, 102, 50_000), fc.boolean())
  .map(([name, depth, list]) => {
    const [open, close] = list ? ['[', ']'] : ['{"a":', '}'];
    return `{"type":"result","variables":{},"${name}":${open.repeat(depth)}1${close.repeat(depth)}}`;
  });

const line = fc.oneof(
  { weight: 12, arbitrary: frame.map((shape) => `${NONCE} ${JSON.stringify(shape)}\n`) },
  { weight: 3, arbitrary: broken.map((shape) => `${NONCE} ${JSON.stringify(shape)}\n`) },
  { weight: 1, arbitrary: deep.map((value) => `${NONCE} ${value}\n`) },
  { weight: 1, arbitrary: fc.json().map((value) => `${NONCE} ${value}\n`) },
  { weight: 1, arbitrary: text.map((value) => `${NONCE} ${value}\n`) },
  { weight: 1, arbitrary: text.map((value) => `${value}\n`) },
);

/** Bytes of one write. */
export const writes: fc.Arbitrary<Buffer[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: line.map((value) => Buffer.from(value)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(line, fc.nat())
        .map(([value, at]) => Buffer.from(value).subarray(0, at % value.length)),
    },
  ),
  { maxLength: 8 },
);

/** A place in code, as a runner names it. */
export const anyPlace = place;
/** Any JSON value. */
export const anyJson = json;
