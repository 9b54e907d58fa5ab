import { Logger } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { runnerSettings } from '../../../src/config/slices.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import type { ExecuteCommand } from '../../../src/boundary/runner-protocol.js';
import { commandFor } from '../../../src/executor/process/run-once.js';
import type { RunnerProcess } from '../../../src/executor/process/runner-process.js';
import { settingsOf } from '../../support/parts.js';

Logger.overrideLogger(false);

/** The end of one execution: what it returned, and what the runner says of itself. */
interface Ended {
  value: unknown;
  found: string[];
  /** What it said, by the types of its frames; `result+` with the names of what it has beside what each has. */
  said: string[];
}

/** The source is that of a function. */
function run(runner: RunnerProcess, source: string, changes: Partial<ExecuteCommand> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const command = { ...commandFor(runner, source), network: 'proxy', keep: true, ...changes } as const;
    let value: unknown;
    const said: string[] = [];
    runner.execute(command, {
      onFrame(frame) {
        const more = ['loadMs', 'settled'].filter((name) => frame.type === 'result' && name in frame);
        said.push([frame.type, ...more].join('+'));
        if (frame.type === 'result') ({ value } = frame);
        if (frame.type === 'error') reject(new Error(frame.message));
        const isClean = frame.type === 'result' && frame.settled;
        if (frame.type !== 'settled' && !isClean) return;
        runner.forget(command.nonce);
        resolve({ value, found: frame.type === 'settled' ? [...frame.dirty] : [], said });
      },
      onRawOutput: () => undefined,
      onViolation: (what) => reject(new Error(what)),
      onEnded: () => reject(new Error('the runner has ended')),
    });
  });
}

async function end(runner: RunnerProcess): Promise<void> {
  runner.kill();
  await runner.ended;
  await runner.place.remove();
}

/** What the runner says of itself after its first execution, the source of which is a body. */
async function foundAfter(runner: RunnerProcess, body: string): Promise<string[]> {
  try {
    return (await run(runner, `import net from 'node:net'; export default () => { ${body} };`)).found;
  } finally {
    await end(runner);
  }
}

const LEAVES: readonly (readonly [body: string, found: string[]])[] = [
  ['return net.connect.length', []],
  ['globalThis.left = 1', ['global: left']],
  ['Array.prototype.map = () => []', ['changed: Array.prototype.map']],
  ['Array.prototype.push = () => 0', ['changed: Array.prototype.push']],
  ['Array.prototype.every = () => true', ['changed: Array.prototype.every']],
  [
    'Array.prototype[Symbol.iterator] = function* () {}',
    ['changed: Array.prototype.Symbol(Symbol.iterator)'],
  ],
  ['String.prototype.slice = () => ""', ['changed: String.prototype.slice']],
  [
    'Object.getPrototypeOf(new Map()[Symbol.iterator]()).next = () => ({ done: true })',
    ['changed: mapIterator.next'],
  ],
  [
    'Object.getPrototypeOf(Uint8Array.prototype).set = () => undefined',
    ['changed: TypedArray.prototype.set'],
  ],
  ['Object.setPrototypeOf(Map, class {})', ['changed: Map.prototype']],
  ['process.stdout.write = () => true', ['changed: process.stdout.write']],
  [
    "const { Readable, promises } = process.getBuiltinModule('stream'); const read = Readable.from(['x']); read.resume(); return promises.finished(read)",
    [],
  ],
  ["return new Blob(['x']).text()", []],
  [
    "const { PassThrough, finished } = process.getBuiltinModule('stream'); finished(new PassThrough(), () => undefined)",
    ['open: STREAM_END_OF_STREAM'],
  ],
  ["console.log('x'); console.error('y'); process.stdout.once('x', () => 1)", []],
  [
    "process.getBuiltinModule('util').inspect.defaultOptions.depth = 0",
    ['changed: util.inspect.defaultOptions.depth'],
  ],
  [
    'process.setUncaughtExceptionCaptureCallback(() => undefined)',
    ['process.setUncaughtExceptionCaptureCallback'],
  ],
  ['net.connect = () => null', ['changed: node:net.connect']],
  ['process.kill = () => true', ['changed: process.kill']],
  ["process.on('exit', () => undefined)", ['process listener: exit', 'changed: process._eventsCount']],
];

describe.each(['proxy', 'open'])(
  'a runner that is kept, with a worker that allows the network %s',
  (network) => {
    it.each(['fork', 'spawn'] as const)(
      'is compared with what it was before its first execution: %s',
      async (start) => {
        const changes = {
          ISOLATION: 'namespace',
          RUNNER_START: start,
          RUNNER_MAX_EXECUTIONS: '0',
          NETWORK: network,
        };
        const factory = await RunnerFactory.open(runnerSettings.of(settingsOf(changes)));
        try {
          for (const [body, found] of LEAVES) {
            const runner = await factory.boot();
            expect(runner.start).toBe(start);
            expect(await foundAfter(runner, body)).toEqual(found);
          }
        } finally {
          await factory.close();
        }
      },
    );
  },
);

describe('what a runner says of an execution', () => {
  it.each([
    ['is one frame where it ends at once and leaves nothing', 'return 1', ['result+loadMs+settled']],
    ['is sent as it comes where it prints', "console.log('x')", ['loaded', 'output', 'result+settled']],
    [
      'begins when the code has begun, where it does not end at once',
      'return new Promise((resolve) => setTimeout(resolve, 20))',
      ['loaded', 'result', 'settled'],
    ],
    ['ends with what it has left', 'globalThis.left = 1', ['result+loadMs', 'settled']],
    [
      'has its result at once, where something is open',
      'setTimeout(() => undefined, 10)',
      ['result+loadMs', 'settled'],
    ],
  ])('%s', async (_what, body, said) => {
    const factory = await RunnerFactory.open(
      runnerSettings.of(settingsOf({ ISOLATION: 'process', RUNNER_MAX_EXECUTIONS: '0', NETWORK: 'none' })),
    );
    const runner = await factory.boot();
    try {
      const source = `export default () => { ${body} };`;
      expect((await run(runner, source, { network: 'none' })).said).toEqual(said);
    } finally {
      await end(runner);
      await factory.close();
    }
  });
});

describe('an execution after one that has given all objects properties, and files no rights', () => {
  /** All that an execution sees of its command, but for what differs from one to the next. */
  const SEES = `export default (parameters, context) => ({
    parameters, cwd: process.cwd(), pid: process.pid, umask: process.umask(), argv: process.argv, env: { ...process.env }, variables: context.variables, keys: Object.keys(context).toSorted(),
    context: Object.fromEntries(Object.entries({ ...context, deadline: 0, signal: 0, artifacts: 0, logger: 0 }).filter(([, value]) => typeof value !== 'function')),
  })`;
  const POLLUTES = `export default ({ names }) => {
    process.umask(0o777);
    for (const name of names) for (const prototype of [Object.prototype, Array.prototype])
      Object.defineProperty(prototype, name, { value: 'polluted', configurable: true, writable: true });
    return names.map((name) => ({})[name]);
  }`;
  const url = (name: string): string => `file:///bifrost/${name}.js`;
  const shipped = (name: string, source: string): Partial<ExecuteCommand> => ({
    entry: url(name),
    modules: [{ url: url(name), format: 'module', source }],
  });

  it.each(['fork', 'spawn'] as const)('is as it was: %s', async (start) => {
    const changes = {
      ISOLATION: 'namespace',
      RUNNER_START: start,
      RUNNER_MAX_EXECUTIONS: '0',
      NETWORK: 'none',
    };
    const factory = await RunnerFactory.open(runnerSettings.of(settingsOf(changes)));
    const runner = await factory.boot();
    try {
      const own = {
        network: 'none',
        ...shipped('sees', SEES),
        parameters: { a: 1 },
        env: { NAME: 'value' },
      } as const;
      const before = await run(runner, '', own);
      const { context, ...rest } = commandFor(runner, '');
      const fields = [...Object.keys(rest), 'context', 'place', ...Object.keys(context)];
      const names = [...fields, ...Array.from({ length: fields.length }, (_, index) => `${index}`)];
      const polluting = await run(runner, '', {
        network: 'none',
        ...shipped('pollutes', POLLUTES),
        parameters: { names },
      });
      expect(polluting.value).toEqual(names.map(() => 'polluted'));
      const after = await run(runner, '', own);
      expect(before.value).toMatchObject({ parameters: { a: 1 }, env: { NAME: 'value' }, umask: 0o022 });
      expect(after.value).toEqual(before.value);
    } finally {
      await end(runner);
      await factory.close();
    }
  });
});
