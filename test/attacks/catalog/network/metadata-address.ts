import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Connects to the metadata address of clouds.',
  refusal: 'Node: no network; the system-call filter: no sockets; namespace: a network of its own.',
  kernel: true,
  impossible: (target) =>
    target.metadataPort === null ? 'the address cannot be given to this machine without root' : null,
  code: () => `
import net from 'node:net';
export default () => new Promise((done, no) => { let seen = ''; const socket = net.connect({ host: '169.254.169.254', port: 80 }); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', no); });
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
