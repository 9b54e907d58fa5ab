import { describe, expect, it } from '@jest/globals';
import { BootTrouble } from './boot-trouble.js';

const times = (count: number, step: () => void): void => {
  for (let i = 0; i < count; i++) step();
};

describe('trouble with runners', () => {
  it('is none at first', () => {
    expect(new BootTrouble().problem).toBeNull();
  });

  it('is a problem as soon as a runner cannot be started, until one can', () => {
    const trouble = new BootTrouble();
    trouble.bootFailed('a runner could not be started: spawn EMFILE');
    expect(trouble.problem).toBe('a runner could not be started: spawn EMFILE');
    trouble.booted();
    expect(trouble.problem).toBeNull();
  });

  it('is a problem when the fifth in a row dies, and boots do not end that', () => {
    const trouble = new BootTrouble();
    times(4, () => {
      trouble.booted();
      trouble.died('SIGSEGV', false);
    });
    expect(trouble.problem).toBeNull();
    trouble.died('SIGSEGV', false);
    trouble.booted();
    expect(trouble.problem).toBe('5 runners in a row died before they served anything: SIGSEGV');
    trouble.proven(performance.now() - 1000);
    expect(trouble.problem).not.toBeNull();
    trouble.proven(performance.now() + 1);
    expect(trouble.problem).toBeNull();
  });

  it('never becomes a problem by deaths of runners that have worked', () => {
    const trouble = new BootTrouble();
    times(20, () => trouble.died('SIGKILL', true));
    expect([trouble.problem, trouble.delayMs]).toEqual([null, 100]);
  });

  it('doubles the wait with every loss in a row, up to five seconds', () => {
    const trouble = new BootTrouble();
    const waits = Array.from({ length: 8 }, () => {
      trouble.booted();
      trouble.died('SIGSEGV', false);
      return trouble.delayMs;
    });
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });
});
