import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Replaces the runner by another program.',
  refusal: 'Node: no execve; the system-call filter.',
  kernel: true,
  quick: true,
  code: ({ canary }) => `
export default () => process.execve(process.execPath, [process.execPath, '-e', 'require("fs").writeSync(1, "became ${canary}")'], {});
`,
  reached: ({ target, ending }) => ending.output.includes(`became ${target.canary}`),
} satisfies Attack;
