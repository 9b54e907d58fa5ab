import { Logger } from '@nestjs/common';
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { settingsOf } from '../../support/parts.js';
import { runnerSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);

const oomScoreOf = (pid: number | string): number =>
  Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));
/** Field 19 of /proc/PID/task/TID/stat. */
const niceOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);

it.each([
  ['namespace', 'spawn'],
  ['namespace', 'fork'],
  ['process', 'spawn'],
])(
  'every thread of a runner at the level %s (%s) goes after the worker, and dies before it',
  async (ISOLATION, RUNNER_START) => {
    const factory = await RunnerFactory.open(runnerSettings.of(settingsOf({ ISOLATION, RUNNER_START })));
    try {
      const runner = await factory.bootAside();
      const { pid } = runner;
      const threads = readdirSync(`/proc/${pid}/task`);
      const nices = threads.map((id) => niceOf(readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1')));
      const oomScore = oomScoreOf(pid);
      runner.kill();
      await runner.ended;
      await runner.place.remove();
      expect(threads.length).toBeGreaterThan(3);
      expect(Math.min(...nices)).toBeGreaterThan(getPriority());
      expect(oomScore).toBeGreaterThan(oomScoreOf('self'));
    } finally {
      await factory.close();
    }
  },
);
