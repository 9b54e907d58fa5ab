import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { killGroup } from './process-group.js';

afterEach(() => void jest.restoreAllMocks());

describe('killing a process group', () => {
  it('kills the child and what it started', async () => {
    const child = spawn('sh', ['-c', 'sleep 1000 & echo ready; wait'], { detached: true });
    await once(child.stdout, 'data');
    killGroup(child);
    // The pipes close when the last process that holds them is gone, here `sleep`.
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
  });

  it('kills what an ended child left behind', async () => {
    const child = spawn('sh', ['-c', 'sleep 1000 & exit 0'], { detached: true });
    await once(child, 'exit');
    killGroup(child);
    // The pipes close when the last process that holds them is gone.
    await once(child, 'close');
  });

  it('never signals the number again after the end was seen', async () => {
    const child = spawn('true', [], { detached: true });
    await once(child, 'close');
    killGroup(child);
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    killGroup(child);
    expect(kill).not.toHaveBeenCalled();
  });
});
