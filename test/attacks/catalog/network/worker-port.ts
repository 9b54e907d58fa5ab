import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Asks the HTTP API of the worker.',
  refusal: 'Node: no network; the system-call filter: no sockets; namespace: a network of its own.',
  kernel: true,
  quick: true,
  code: ({ httpPort }) => `
export default async () => await (await fetch('http://127.0.0.1:${httpPort}/')).text();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
