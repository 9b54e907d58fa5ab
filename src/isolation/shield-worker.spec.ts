import { expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process as a supervisor may start a worker; what it starts itself says what came through. */
const PROGRAM = `
  import { shieldWorker } from ${JSON.stringify(join(import.meta.dirname, 'shield-worker.ts'))};
  import { execFileSync } from 'node:child_process';
  import { readFileSync, statSync, writeFileSync } from 'node:fs';
  const isShielded = process.argv[1] === 'shielded';
  const faults = isShielded ? shieldWorker() : [];
  writeFileSync(process.argv[2], '');
  const read = (what) => execFileSync('cat', ['/proc/self/' + what], { encoding: 'latin1' });
  const right = (status) => /^CapAmb:\\s+(\\w+)$/m.exec(status)[1].replace(/^0+/, '');
  const policy = (stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38];
  console.log(JSON.stringify({
    faults,
    rights: right(read('status')),
    policy: policy(read('stat')),
    own: policy(readFileSync('/proc/self/stat', 'latin1')),
    mode: (statSync(process.argv[2]).mode & 0o777).toString(8),
  }));`;

const SUPERVISOR = [
  'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service',
  'chrt --rr 3',
];
/** It takes root to give such things; without it the mask alone is tried. */
const canGive = spawnSync('sh', ['-c', `${SUPERVISOR.toReversed().join(' ')} true`]).status === 0;

function startedWith(umask: string, how: string, given = ''): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'shield-spec-'));
  const file = join(folder, 'made');
  try {
    const command = `umask ${umask}; chmod 777 ${folder}; exec ${given} "$@"`;
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval'];
    const words = ['-c', command, 'sh', ...node, PROGRAM, how, file];
    return JSON.parse(execFileSync('sh', words, { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NOTHING = { faults: [], rights: '', policy: '0', own: '0' };

it.each(['000', '022', '077'])('others may read and not change what is made, started with %s', (umask) => {
  expect(startedWith(umask, 'shielded')).toEqual({ ...NOTHING, mode: '644' });
});

it('hands no right of root on and no real time, as a process that is not shielded does', () => {
  const given = canGive ? SUPERVISOR.toReversed().join(' ') : '';
  const handedOn = canGive ? { rights: '400', policy: '2', own: '2' } : {};
  expect(startedWith('000', 'open', given)).toEqual({ ...NOTHING, ...handedOn, mode: '666' });
  const own = canGive ? { own: '2' } : {};
  expect(startedWith('000', 'shielded', given)).toEqual({ ...NOTHING, ...own, mode: '644' });
});
