import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Asks a name server, which is also a way to carry data out.',
  refusal: 'Node: no network; the system-call filter: no sockets; namespace: a network of its own.',
  kernel: true,
  quick: true,
  code: ({ dnsPort }) => `
import dns from 'node:dns/promises';
export default async () => { const r = new dns.Resolver({ timeout: 1000, tries: 1 }); r.setServers(['127.0.0.1:${dnsPort}']); return (await r.resolveTxt('out.example')).join(); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
