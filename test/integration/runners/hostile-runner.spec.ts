import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { locate } from '../../../src/compile/inside/locate.js';
import { RUNNER_KINDS, type RunnerKindName } from '../../../src/contract/confinement.js';
import { FAILURE_CODES } from '../../../src/contract/failure.js';
import { resultSchema } from '../../../src/contract/result.js';
import type { CodePlace } from '../../../src/boundary/runner-frames.js';
import { localsEvidence, timeoutEvidence } from '../../../src/outcome/blocked-stack.js';
import { Cancellation, Interruption } from '../../../src/executor/cancellation.js';
import { placesIn } from '../../../src/executor/process/interrupted-places.js';
import { type Locate, OriginalPlaces } from '../../../src/outcome/original-places.js';
import { judge } from '../../../src/outcome/judge.js';
import { resultDocument } from '../../../src/outcome/result-document.js';
import { placesIn as placesToShow } from '../../../src/outcome/run-evidence.js';
import { Run } from '../../../src/executor/supervision/run.js';
import type { RunEnd } from '../../../src/outcome/run-end.js';
import { slotOn } from '../../../src/executor/pool/runner-lease.js';
import { Redactor } from '../../../src/outcome/redaction/redactor.js';
import { serializeValue } from '../../../src/runner/user/user-value.js';
import { shapeOfJson } from '../../../src/lib/json-shape.js';
import { anyJson, anyPlace, NONCE, writes } from '../../support/runners/hostile-frames.js';
import { aFirstRun } from '../../support/parts.js';
import { LIMITS } from '../../support/runners/run-ends.js';
import { ScriptedRunner } from '../../support/runners/scripted-runner.js';

const SEED = 20_261_128;
const FRAME_LIMIT_BYTES = 200_000;
/** Long enough never to come: a case ends by what the runner does. */
const limits = { ...LIMITS, timeoutMs: 600_000, cancelGraceMs: 600_000 };
const redactor = new Redactor(['aaaa', '1234567', 'x'.repeat(40)]);
/** What a compiler process does. */
const inProcess: Locate = (compiled, places) => Promise.resolve(locate(compiled, places));

interface Script {
  kind: RunnerKindName;
  keep: boolean;
  isScript: boolean;
  isCancelled: boolean;
  writes: Buffer[];
  printed: string;
  exitCode: number | null;
}

const script: fc.Arbitrary<Script> = fc.record({
  kind: fc.constantFrom(...RUNNER_KINDS),
  keep: fc.boolean(),
  isScript: fc.boolean(),
  isCancelled: fc.boolean(),
  writes,
  printed: fc.string({ maxLength: 50 }),
  exitCode: fc.option(fc.nat({ max: 255 })),
});

/** The end of a run whose runner does what the script says, then ends. */
async function play(given: Script): Promise<RunEnd> {
  const scripted = new ScriptedRunner(given.kind, FRAME_LIMIT_BYTES);
  const { runner, child } = scripted;
  const run = new Run(slotOn(runner, '/nowhere'), limits, {
    answer: () => Promise.resolve({ kind: 'package' }),
    onProgress: () => undefined,
    onLog: () => null,
    redactor,
  });
  const cancellation = new Cancellation();
  const command = scripted.command({ nonce: NONCE, keep: given.keep });
  const done = run.finish(command, { interruption: new Interruption(), cancellation });
  if (given.isCancelled) cancellation.ask({ askedAt: new Date().toISOString(), reason: null });
  for (const bytes of given.writes) {
    scripted.say(bytes);
    await Promise.resolve();
  }
  scripted.print('stderr', given.printed);
  child.end(given.exitCode, given.exitCode === null ? 'SIGKILL' : null);
  return done;
}

describe('whatever a runner says', () => {
  it('becomes one result of its execution, which is no fault of the worker', async () => {
    const codes = new Set<string | null>();
    const property = fc.asyncProperty(script, async (given) => {
      const end = await play(given);
      const finding = judge(end, limits, given.isScript);
      const originals = await OriginalPlaces.find(placesToShow(end), end, inProcess);
      const run = { end, limits, originals };
      const report = { startedAt: new Date(0), finishedAt: new Date(1), finding, run, redactor };
      const document = resultDocument({ executionId: 'e', workerId: 'w', ...aFirstRun }, report);
      const { code = null } = document.failure ?? {};
      codes.add(code);
      expect(code).not.toBe('INTERNAL');
      expect(resultSchema.safeParse(JSON.parse(JSON.stringify(document))).error).toBeUndefined();
    });
    await fc.assert(property, { seed: SEED, numRuns: 5_000 });
    // It got through to the rules, and beyond them.
    for (const code of [null, 'USER_ERROR', 'PROTOCOL_VIOLATION', 'RUNNER_CRASHED', 'CANCELLED'])
      expect(codes).toContain(code);
    for (const code of codes) expect([null, ...FAILURE_CODES]).toContain(code);
  });

  it('of places in code becomes evidence or nothing', async () => {
    const rootUrl = 'file:///bifrost/';
    const source = fc.oneof(
      fc.string(),
      fc.base64String().map((map) => `x\n//# sourceMappingURL=data:application/json;base64,${map}`),
      anyJson.map(
        (map) =>
          `x\n//# sourceMappingURL=data:application/json;base64,${btoa(encodeURIComponent(JSON.stringify(map)))}`,
      ),
      fc
        .record({
          version: anyJson,
          sources: anyJson,
          names: anyJson,
          mappings: fc.oneof(fc.string(), anyJson),
        })
        .map(
          (map) =>
            `x\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`,
        ),
    );
    const property = fc.asyncProperty(
      fc.array(anyPlace as fc.Arbitrary<CodePlace>, { maxLength: 5 }),
      source,
      async (places, text) => {
        const modules = [{ url: `${rootUrl}own.js`, format: 'module' as const, source: text }];
        const frames = places.map((place) => ({ ...place, variables: {} }));
        const originals = await OriginalPlaces.find(places, { modules, rootUrl }, inProcess);
        const evidence = {
          ...timeoutEvidence({ kind: 'blocked', places }, originals),
          ...localsEvidence(frames, originals),
        };
        expect(() => JSON.stringify(evidence)).not.toThrow();
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 1_500 });
  });

  it('of where it was interrupted is read or passed over', () => {
    const line = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.string(), fc.nat(), fc.nat())
        .map(([url, at, column]) => `    at f (${url}:${at}:${column})`),
      fc.constantFrom(
        'KEYBOARD_INTERRUPT: x',
        `    at ${'('.repeat(20_000)}`,
        `    at ${'a (:1:1'.repeat(3_000)}`,
      ),
    );
    const property = fc.property(fc.array(line), (lines) => {
      expect(() => placesIn(lines.join('\n'))).not.toThrow();
    });
    fc.assert(property, { seed: SEED, numRuns: 1_000 });
  });
});

describe('a value of user code', () => {
  it('is sent within the limits or refused with a reason, and is redacted either way', () => {
    const value = fc.oneof(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
      fc.constantFrom(10, 100, 101, 5_000, 100_000).map((depth) => nested(depth)),
      fc.constant({ toJSON: () => nested(200) }),
    );
    const property = fc.property(value, (given) => {
      const sent = serializeValue(given, 100_000);
      if (!sent.ok) {
        expect(sent.message).toMatch(/JSON|larger/);
        return;
      }
      expect(shapeOfJson(sent.json).depth).toBeLessThanOrEqual(100);
      expect(() => JSON.stringify(redactor.value(JSON.parse(sent.json)))).not.toThrow();
    });
    fc.assert(property, { seed: SEED, numRuns: 2_500 });
  });
});

function nested(depth: number): unknown {
  let value: unknown = 'aaaa';
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
}
