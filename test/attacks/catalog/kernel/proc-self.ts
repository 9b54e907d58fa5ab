import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves the allowed folders by the aliases of /proc/self: descriptors, working directory, root.',
  refusal: 'Node: file not in the lists; namespace: nothing there; process: Landlock.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => { const found = []; for (const path of ['/proc/self/root${outsideFile}', '/proc/self/cwd/../../../..${outsideFile}', '/proc/thread-self/root${outsideFile}']) try { found.push(fs.readFileSync(path, 'utf8')); } catch {} for (const fd of fs.readdirSync('/proc/self/fd')) try { found.push(fs.readlinkSync('/proc/self/fd/' + fd)); } catch {} return found.join(' '); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
