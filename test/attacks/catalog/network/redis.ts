import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Connects to Redis on loopback.',
  refusal: 'Node: no network; the system-call filter: no sockets; namespace: a network of its own.',
  kernel: true,
  quick: true,
  code: ({ redisPort }) => `
import net from 'node:net';
export default () => new Promise((done, no) => { let seen = ''; const socket = net.connect({ host: '127.0.0.1', port: ${redisPort} }); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', no); });
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
