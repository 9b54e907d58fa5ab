import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Reads from a descriptor that whoever started the worker left open, such as a supervisor.',
  refusal: 'The worker hands on no descriptor but those of the protocol.',
  kernel: true,
  quick: true,
  code: ({ inheritedDescriptor }) => `
import fs from 'node:fs';
export default () => { const read = Buffer.alloc(100); return read.toString('latin1', 0, fs.readSync(${inheritedDescriptor}, read, 0, 100, 0)); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
