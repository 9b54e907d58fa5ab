import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { followProcess } from './follow-process.js';

describe('followProcess', () => {
  it('reports the end of a process once, and not before', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    let ended = false;
    const gone = new Promise<boolean>((resolve) => followProcess(other.pid as number, () => resolve(ended)));
    const exited = once(other, 'exit').then(() => (ended = true));
    other.kill('SIGKILL');
    await exited;
    // What follows keeps the process waiting; the watch itself does not.
    const keepAlive = setInterval(() => undefined, 100);
    expect(await gone).toBe(true);
    clearInterval(keepAlive);
  });
});
