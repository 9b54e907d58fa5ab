import { Logger } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { runnerSettings } from '../../../src/config/slices.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { commandFor } from '../../../src/executor/process/run-once.js';
import type { RunnerProcess } from '../../../src/executor/process/runner-process.js';
import { settingsOf } from '../../support/parts.js';

Logger.overrideLogger(false);

/** What the runner says of itself after its first execution, the source of which is a body. */
async function foundAfter(runner: RunnerProcess, body: string): Promise<string[]> {
  const source = `import net from 'node:net'; export default () => { ${body} };`;
  try {
    return await new Promise<string[]>((resolve, reject) => {
      const command = { ...commandFor(runner, source), network: 'proxy', keep: true } as const;
      runner.execute(command, {
        onFrame(frame) {
          if (frame.type === 'settled') resolve([...frame.dirty]);
          if (frame.type === 'error') reject(new Error(frame.message));
        },
        onRawOutput: () => undefined,
        onViolation: (what) => reject(new Error(what)),
        onEnded: () => reject(new Error('the runner has ended')),
      });
    });
  } finally {
    runner.kill();
    await runner.ended;
    await runner.place.remove();
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
