import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAnswered } from '../../../test/support/processes/answered-command.js';
import { defineSchedules } from './schedules-commands.js';
import { scheduleRequest } from './schedules-set.js';

/** Runs a command line against an API that answers with these documents, one after the other. */
const run = (args: string[], ...answers: object[]) =>
  runAnswered(
    (io, exit) => {
      const program = new Command('bifrost').exitOverride();
      defineSchedules(program.command('schedules'), io, exit);
      return program;
    },
    ['schedules', ...args],
    answers,
  );

const SCHEDULE = {
  id: 'nightly',
  state: 'active',
  source: 'api',
  cron: '0 2 * * *',
  tz: 'Europe/Berlin',
  every: null,
  overlap: 'skip',
  missed: 'one',
  next: ['2026-11-30T01:00:00.000Z'],
};

describe('bifrost schedules', () => {
  it('lists all pages', async () => {
    const own = { ...SCHEDULE, id: 'a\u001b[31m', every: 90_000, next: null, source: 'queue' };
    const { code, asked, stdout } = await run(
      [],
      { schedules: [{ ...SCHEDULE, next: SCHEDULE.next[0] }], next_cursor: 'nightly' },
      { schedules: [own], next_cursor: null },
    );
    expect(code).toBe(0);
    expect(asked.map(({ call }) => call)).toEqual([
      'GET /schedules?limit=500',
      'GET /schedules?limit=500&cursor=nightly',
    ]);
    expect(stdout).toMatch(
      /nightly +active +0 2 \* \* \* Europe\/Berlin +2026-11-30T01:00:00.000Z +skip +one +api/,
    );
    expect(stdout).toMatch(/^a +active +every 90 s +- +skip +one +producer$/m);
  });

  it.each([
    [['show', 'a/b'], 'GET /schedules/a%2Fb'],
    [['pause', 'nightly'], 'POST /schedules/nightly/pause'],
    [['resume', 'nightly'], 'POST /schedules/nightly/resume'],
  ])('%j shows the schedule as it is then', async (args, call) => {
    const { asked, stdout } = await run(args, SCHEDULE);
    expect(asked).toEqual([{ call, body: null }]);
    expect(stdout).toContain('2026-11-30T01:00:00.000Z');
  });

  it('runs one now, and removes one', async () => {
    const ran = await run(['run', 'nightly'], { schedule: 'nightly', execution_id: 'nightly@x' });
    expect(ran).toMatchObject({ asked: [{ call: 'POST /schedules/nightly/run' }], stdout: 'nightly@x\n' });
    const removed = await run(['remove', 'nightly'], { id: 'nightly', removed: true });
    expect(removed.asked).toEqual([{ call: 'DELETE /schedules/nightly', body: null }]);
  });

  it('sets one of a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifrost-test-schedules-'));
    const file = join(folder, 'report.ts');
    await writeFile(file, 'export default () => 1;');
    const set = ['set', 'nightly', file, '--every', '10m', '--overlap', 'skip', '--param', 'n=1', '--json'];
    const { asked, stdout } = await run(set, SCHEDULE);
    await rm(folder, { recursive: true });
    expect(asked).toEqual([
      {
        call: 'PUT /schedules/nightly',
        body: {
          every: 600_000,
          overlap: 'skip',
          execution: {
            workflow_code: 'export default () => 1;',
            workflow_id: 'report.ts',
            function_name: 'default',
            parameters: { n: 1 },
          },
        },
      },
    ]);
    expect(JSON.parse(stdout)).toEqual(SCHEDULE);
  });
});

describe('the request of a schedule', () => {
  it('names a module of the workspace', () => {
    const options = {
      module: 'workflows/report.ts',
      cron: '0 2 * * *',
      tz: 'UTC',
      attempts: '3',
      secret: ['K=a=b'],
    };
    expect(scheduleRequest(undefined, '', { ...options, paused: true })).toEqual({
      cron: '0 2 * * *',
      tz: 'UTC',
      paused: true,
      execution: { file_path: 'workflows/report.ts', parameters: {}, attempts: 3, secrets: { K: 'a=b' } },
    });
  });

  it.each([
    [undefined, { cron: '* * * * *' }, 'name a file'],
    ['a.ts', { cron: '* * * * *', module: 'b.ts' }, 'name a file'],
    ['a.ts', {}, 'say when'],
    ['a.ts', { cron: '* * * * *', every: '1s' }, 'say when'],
    ['a.ts', { every: 'often' }, '--every'],
    ['a.ts', { every: '1s', secret: ['secret'] }, '--secret'],
  ])('of %s with %j is refused', (file, options, message) => {
    expect(() => scheduleRequest(file, '', options)).toThrow(message);
  });
});
