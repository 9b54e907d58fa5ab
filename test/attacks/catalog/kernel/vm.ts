import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves a vm context by a constructor and reads a file.',
  refusal:
    'Node: file not in the lists; namespace: no such file; process: Landlock. vm is no boundary and is not counted as one.',
  kernel: true,
  code: ({ outsideFile }) => `
import vm from 'node:vm';
export default () => vm.runInNewContext('o.constructor.constructor("return process")()', { o: {} }).getBuiltinModule('fs').readFileSync('${outsideFile}', 'utf8');
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
