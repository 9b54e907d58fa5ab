import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Asks the worker to connect it to the metadata address of clouds, which the list opens, in every spelling.',
  refusal: 'The dialer: link-local addresses are opened by no list.',
  kernel: true,
  proxy: () => '*:*,0.0.0.0/0:*,[::/0]:*,metadata.test:*/private',
  impossible: (target) =>
    target.metadataPort === null ? 'the address cannot be given to this machine without root' : null,
  code: () => `
import net from 'node:net';
const ask = (host) => new Promise((done) => { let seen = ''; const socket = net.connect({ host, port: 80 }); socket.setTimeout(1500, () => done('')); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', (error) => done(String(error))); });
export default async () => (await Promise.all(['169.254.169.254', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2852039166', '0xa9fea9fe', 'metadata.test'].map(ask))).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
