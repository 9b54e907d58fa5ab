import { Logger } from '@nestjs/common';
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { CompilerPool } from '../../../src/compile/compiler-pool.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { settingsOf } from '../../support/parts.js';
import { compilerSettings, runnerSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);

const oomScoreOf = (pid: number | string): number =>
  Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));
/** Which of two processes is there first differs from start to start. */
const ROUNDS = 4;
/** Field 19 of /proc/PID/task/TID/stat. */
const niceOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);

/** The least that a thread of a process has. */
function niceOfThreads(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return Math.min(...threads.map((id) => niceOf(readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1'))));
}

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
      const threads = readdirSync(`/proc/${pid}/task`).length;
      const nice = niceOfThreads(pid);
      const oomScore = oomScoreOf(pid);
      runner.kill();
      await runner.ended;
      await runner.place.remove();
      expect(threads).toBeGreaterThan(3);
      expect(nice).toBeGreaterThan(getPriority());
      expect(oomScore).toBeGreaterThan(oomScoreOf('self'));
    } finally {
      await factory.close();
    }
  },
);

it.each(['namespace', 'process'])(
  'so do a compiler at the level %s and its program, whichever of them was there first',
  async (ISOLATION) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const compilers = new CompilerPool(compilerSettings.of(settingsOf({ ISOLATION })));
      try {
        const { pids } = await compilers.any();
        expect(pids.length).toBe(2);
        for (const pid of pids) {
          expect(niceOfThreads(pid)).toBeGreaterThan(getPriority());
          expect(oomScoreOf(pid)).toBeGreaterThan(oomScoreOf('self'));
        }
      } finally {
        await compilers.stop();
      }
    }
  },
);
