// npm run forks: forked runners many times over. FORKS=0.01 is a hundredth of it.
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { runnerSettings } from '../../src/config/slices.js';
import { RunnerFactory } from '../../src/executor/pool/runner-factory.js';
import { runOnce } from '../../src/executor/process/run-once.js';
import type { RunnerProcess } from '../../src/executor/process/runner-process.js';
import { settingsOf } from '../support/parts.js';
import { parentOf } from '../support/processes/process-facts.js';
import { BUSY, OddTemplates } from '../support/runners/odd-templates.js';
import { RANDOM_VALUES } from '../support/runners/random-values.js';
import { until } from '../support/until.js';

Logger.overrideLogger(false);

const SHARE = Number(process.env['FORKS'] ?? 1);
const AT_ONCE = 4;
const HOURS_MS = 3 * 3_600_000;
const count = (whole: number): number => Math.max(Math.round(whole * SHARE), AT_ONCE);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

let factory: RunnerFactory;
beforeAll(async () => {
  const settings = { ISOLATION: 'namespace', RUNNER_START: 'fork', TEMPLATE_MAX_CHILDREN: '1000000' };
  factory = await RunnerFactory.open(runnerSettings.of(settingsOf(settings)));
});
afterAll(async () => {
  await factory.close();
});

/** Several at a time, all of them. */
async function each(number: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < number) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
}

async function ended(runner: RunnerProcess): Promise<void> {
  runner.kill();
  await runner.ended;
  await runner.place.remove();
}

const rssKbOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
const openFilesOf = (pid: number | 'self'): number => readdirSync(`/proc/${pid}/fd`).length;

it(
  'ends, natural ones and kills, use nothing up and are told as they were',
  async () => {
    const first = await factory.boot();
    const template = parentOf(parentOf(first.pid));
    await ended(first);
    const collected = (): Promise<unknown> =>
      until(() => readFileSync(`/proc/${template}/task/${template}/children`, 'latin1').trim() === '', {
        what: 'the template has collected its children',
      });
    const oneEach = async (index: number): Promise<void> => {
      const exits = await factory.boot();
      const code = 1 + (index % 100);
      await runOnce(exits, `export default () => { process.exit(${code}) }`).catch(() => undefined);
      expect(await exits.ended).toEqual({ exitCode: code, signal: null });
      const killed = await factory.boot();
      expect(await runOnce(killed, 'export default ({ n }) => n + 1', { parameters: { n: index } })).toBe(
        index + 1,
      );
      expect(await killed.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
    };
    await each(count(200), oneEach);
    await collected();
    const before = { files: [openFilesOf('self'), openFilesOf(template)], templateKb: rssKbOf(template) };
    await each(count(10_000), oneEach);
    await collected();
    expect([openFilesOf('self'), openFilesOf(template)]).toEqual(before.files);
    const grownKb = rssKbOf(template) - before.templateKb;
    say(`${count(10_000)} exits and as many kills: the template grew by ${grownKb} kB`);
    expect(grownKb).toBeLessThan(256);
    expect(existsSync(`/proc/${template}`)).toBe(true);
  },
  HOURS_MS,
);

it(
  'no random number of a child is that of another',
  async () => {
    const seen: string[] = [];
    const children = count(1000);
    await each(children, async () => {
      seen.push(...((await runOnce(await factory.boot(), RANDOM_VALUES)) as string[]));
    });
    expect(seen).toHaveLength(12 * children);
    expect(new Set(seen).size).toBe(seen.length);
    say(`${children} children: ${seen.length} random values, all different`);
  },
  HOURS_MS,
);

const FORGING = `import { writeSync } from 'node:fs';
  export default () => {
    const frame = '{"type":"result","value":0,"variables":{},"usage":{"userMs":0,"systemMs":0,"maxRssMb":0}}';
    for (const nonce of ['', '00000000-0000-4000-8000-000000000000', 'boot'])
      for (let descriptor = 1; descriptor < 5; descriptor++)
        try { writeSync(descriptor, nonce + ' ' + frame + '\\n'); } catch { /* closed to code */ }
    return 'own';
  }`;

it(
  'a child that forges frames is ended, and its neighbour is right',
  async () => {
    const pairs = count(1000);
    let refused = 0;
    await each(pairs, async (n) => {
      const [forger, neighbour] = [await factory.boot(), await factory.boot()];
      const forged = runOnce(forger, FORGING).catch((error: Error) => error.message);
      const right = runOnce(neighbour, 'export default ({ n }) => n + 1', { parameters: { n } });
      expect(await right).toBe(n + 1);
      expect(await forged).toMatch(/channel carried a line without the nonce/);
      refused += 1;
    });
    expect(refused).toBe(pairs);
    say(`${pairs} children that forged frames: each was ended, each neighbour was right`);
  },
  HOURS_MS,
);

it(
  'templates that freeze while they work have children that are right, or are none',
  async () => {
    const odd = await OddTemplates.open();
    const seen = { frozen: 0, refused: 0 };
    try {
      const rounds = count(1000);
      for (let round = 0; round < rounds; round++) {
        const templates = odd.that(BUSY, true);
        try {
          const children = await Promise.all([odd.boot(templates), odd.boot(templates)]);
          const values = children.map((child) =>
            runOnce(child, 'export default ({ n }) => n + 1', { parameters: { n: round } }),
          );
          expect(await Promise.all(values)).toEqual([round + 1, round + 1]);
          seen.frozen += 1;
        } catch (error) {
          // In every doubt a runner is started instead.
          expect((error as Error).message).toMatch(/never all at rest/);
          seen.refused += 1;
        } finally {
          await templates.close();
        }
        if (round % 100 === 99) say(`${round + 1} templates: ${seen.frozen} frozen, ${seen.refused} refused`);
      }
      expect(seen.frozen + seen.refused).toBe(rounds);
      expect(seen.frozen).toBeGreaterThan(0);
    } finally {
      await odd.close();
    }
  },
  HOURS_MS,
);
