import { expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RUNNER_KINDS } from '../../../src/contract/confinement.js';
import { Cancellation, Interruption } from '../../../src/executor/cancellation.js';
import { slotOn } from '../../../src/executor/pool/runner-lease.js';
import { Run } from '../../../src/executor/supervision/run.js';
import { Redactor } from '../../../src/outcome/redaction/redactor.js';
import { LIMITS } from '../../support/runners/run-ends.js';
import { ScriptedRunner } from '../../support/runners/scripted-runner.js';

const EXECUTIONS = 50;
const limits = { ...LIMITS, timeoutMs: 600_000, cancelGraceMs: 600_000 };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** One execution on a runner that is used again. @returns what the worker held of it */
async function execute(scripted: ScriptedRunner, n: number): Promise<WeakRef<object>[]> {
  const slot = slotOn(scripted.runner, '/nowhere');
  const run = new Run(slot, limits, {
    answer: () => Promise.resolve({ kind: 'package' }),
    onProgress: () => undefined,
    onLog: () => null,
    redactor: new Redactor([]),
  });
  const nonce = `${n}`.padStart(32, '0');
  const stops = { interruption: new Interruption(), cancellation: new Cancellation() };
  const done = run.finish(scripted.command({ nonce, keep: true }), stops);
  for (const frame of [RESULT, { type: 'settled', dirty: [] }])
    scripted.say(Buffer.from(`${nonce} ${JSON.stringify(frame)}\n`));
  const end = await done;
  expect(end.report?.type).toBe('result');
  return [slot, run, end, stops.cancellation, stops.interruption].map((held) => new WeakRef(held));
}

const RESULT = { type: 'result', value: 1, variables: {}, usage: { userMs: 1, systemMs: 1, maxRssMb: 1 } };

it.each(RUNNER_KINDS)('no execution stays in memory with its runner: %s', async (kind) => {
  const scripted = new ScriptedRunner(kind, 100_000);
  const held: WeakRef<object>[] = [];
  for (let n = 0; n < EXECUTIONS; n++) held.push(...(await execute(scripted, n)));
  // What a WeakRef was made of stays until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const kept = held.filter((each) => each.deref() !== undefined);
  // What the newest has left may still be in a register.
  expect(kept.length).toBeLessThanOrEqual(held.length / EXECUTIONS);
  scripted.child.end(0, null);
});
