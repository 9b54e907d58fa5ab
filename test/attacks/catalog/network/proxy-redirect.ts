import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Has a server that it may reach send it on to one inside.',
  refusal: 'The dialer: what a redirect leads to is another connection, checked like the first.',
  kernel: true,
  quick: true,
  proxy: ({ allowedPort }) => `*,127.0.0.1:${allowedPort}`,
  code: ({ allowedPort, insidePort }) => `
const get = (url) => fetch('http://127.0.0.1:${allowedPort}/?' + encodeURIComponent(url), { signal: AbortSignal.timeout(2000) }).then((answer) => answer.text(), String);
export default async () => (await Promise.all(['http://127.0.0.1:${insidePort}/', 'http://localhost:${insidePort}/', 'http://[::ffff:127.0.0.1]:${insidePort}/'].map(get))).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
