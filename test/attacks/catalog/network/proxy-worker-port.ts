import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Asks the worker to connect it to the port of the worker itself, whose address the list opens.',
  refusal: 'The dialer: no code reaches the port of the worker, whatever NETWORK_ALLOW says.',
  kernel: true,
  proxy: () => '127.0.0.0/8:*,localhost:*/private',
  code: ({ httpPort }) => `
const get = (host) => fetch('http://' + host + ':${httpPort}/', { signal: AbortSignal.timeout(2000) }).then((answer) => answer.text(), String);
export default async () => (await Promise.all(['127.0.0.1', '127.9.9.9', 'localhost', '[::ffff:127.0.0.1]'].map(get))).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
