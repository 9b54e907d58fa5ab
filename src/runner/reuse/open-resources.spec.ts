import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { OpenResources } from './open-resources.js';

describe('in one turn of the event loop', () => {
  let resources: OpenResources;
  beforeEach(() => {
    resources = new OpenResources();
    resources.watch();
  });
  afterEach(() => resources.stop());

  it('is quiet and still for code that begins nothing', async () => {
    resources.begin();
    await Promise.resolve();
    process.nextTick(() => undefined);
    expect([resources.isQuiet, resources.isStill, resources.names()]).toEqual([true, true, []]);
  });

  it('names what is open, each kind once', () => {
    resources.begin();
    const timers = [setTimeout(() => undefined, 60_000), setTimeout(() => undefined, 60_000)];
    expect([resources.isQuiet, resources.isStill, resources.names()]).toEqual([false, false, ['Timeout']]);
    for (const timer of timers) clearTimeout(timer);
  });

  it('is quiet, but not still, while something runs later that keeps nothing open', () => {
    resources.begin();
    const turn = setImmediate(() => undefined);
    expect([resources.isQuiet, resources.isStill]).toEqual([true, false]);
    clearImmediate(turn);
  });

  it('is still for a turn that is the own', () => {
    resources.begin();
    resources.noteOwnTurn();
    const turn = setImmediate(() => undefined);
    expect(resources.isStill).toBe(true);
    clearImmediate(turn);
  });
});

describe('over several turns', () => {
  /** In a process of its own: the one that runs tests opens and closes things meanwhile. */
  const outcomeOf = (code: string): unknown => {
    const program = `
      import { setImmediate as nextTurn } from 'node:timers/promises';
      import { OpenResources } from ${JSON.stringify(join(import.meta.dirname, 'open-resources.ts'))};
      // Node reports what has closed in the turns after.
      const turns = async () => { for (let turn = 0; turn < 3; turn += 1) await nextTurn(); };
      const open = () => setTimeout(() => undefined, 60_000);
      const resources = new OpenResources();
      resources.watch();
      resources.begin();
      const seen = [];
      const look = () => seen.push([resources.isQuiet, resources.isStill]);
      ${code}
      process.stdout.write(JSON.stringify(seen));
      process.exit();`;
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
    return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
  };

  it('is not quiet until the last has closed, whichever was opened first', () => {
    const code = `const [first, last] = [open(), open()]; look();
      clearTimeout(first); await turns(); look();
      clearTimeout(last); await turns(); look();`;
    expect(outcomeOf(code)).toEqual([
      [false, false],
      [false, false],
      [true, false],
    ]);
  });

  it('forgets what was open before an execution, and sees what the next one opens', () => {
    const code = `const before = open(); resources.begin(); look();
      const after = open(); clearTimeout(before); await turns(); look();
      clearTimeout(after); await turns(); look();`;
    expect(outcomeOf(code)).toEqual([
      [true, true],
      [false, false],
      [true, false],
    ]);
  });
});
