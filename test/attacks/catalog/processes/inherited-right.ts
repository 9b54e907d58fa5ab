import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Uses a right of root that whoever started the worker gave it, such as systemd or setpriv.',
  refusal: 'The worker hands on no such right (K, P); users and namespaces of their own have none.',
  kernel: true,
  quick: true,
  code: () => `
import fs from 'node:fs';
export default () => /^CapEff:\\s+(\\w+)$/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1];
`,
  reached: ({ ending }) => /[1-9a-f]/.test(typeof ending.value === 'string' ? ending.value : ''),
  impossible: ({ isRoot }) =>
    isRoot || process.getuid?.() === 0 ? null : 'it takes root to give a worker a right',
} satisfies Attack;
