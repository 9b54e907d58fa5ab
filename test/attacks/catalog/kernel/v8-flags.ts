import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Changes flags of V8 and calls its natives, then reads a file.',
  refusal:
    'Node: file not in the lists; namespace: no such file; process: Landlock. V8 itself is not defended against its flags.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
import v8 from 'node:v8';
export default () => { v8.setFlagsFromString('--allow-natives-syntax'); v8.setFlagsFromString('--expose-gc'); if (new Function('return %IsSmi(1)')() !== true) return null; return fs.readFileSync('${outsideFile}', 'utf8'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
