import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Takes the sockets of the runner from the lists that Node has, to read what the worker sends.',
  refusal: 'The runner takes its own out of the list, and no command but the first has a secret.',
  kernel: true,
  quick: true,
  code: ({ early }) => `
import hooks from 'node:async_hooks';
const seen = new Set(${early} ? [4] : []);
const look = () => { for (const handle of [...process._getActiveHandles(), ...process._getActiveRequests(), hooks.executionAsyncResource()]) seen.add((handle?._handle ?? handle)?.fd); };
look();
export default async () => { look(); await null; look(); await new Promise(setImmediate); look(); return [3, 4, 6].filter((fd) => seen.has(fd)).length; };
`,
  reached: ({ ending }) => Number(ending.value) > 0,
} satisfies Attack;
