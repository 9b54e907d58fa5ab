import type { Attack } from '../../support/attack.js';

export default {
  mechanism: "Takes Node's internal file system, which has no checks of its own, by process.binding.",
  refusal: 'Node: no process.binding; namespace: no such file; process: Landlock.',
  kernel: true,
  code: ({ outsideFile }) => `
export default () => { const fs = process.binding('fs'); const fd = fs.open('${outsideFile}', 0, 0o666); const b = Buffer.alloc(64); fs.read(fd, b, 0, 64, 0); return b.toString('latin1'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
