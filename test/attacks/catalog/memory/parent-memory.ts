import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Opens the memory of the worker in /proc and reads at the address of a secret.',
  refusal: 'Node: file not in the lists; namespace: no such process; process: Landlock, worker not dumpable.',
  kernel: true,
  quick: true,
  code: ({ workerPid, canaryAddress }) => `
import fs from 'node:fs';
export default () => { const fd = fs.openSync('/proc/${workerPid}/mem'); const b = Buffer.alloc(64); fs.readSync(fd, b, 0, 64, BigInt('${canaryAddress}')); return b.toString('latin1'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
