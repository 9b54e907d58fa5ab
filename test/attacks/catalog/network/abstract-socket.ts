import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Connects to an abstract Unix socket, which has no file.',
  refusal:
    'Node: no network; the system-call filter: no sockets; namespace: other sockets; process: Landlock.',
  kernel: true,
  quick: true,
  code: ({ abstractSocket }) => `
import net from 'node:net';
export default () => new Promise((done, no) => { let seen = ''; const socket = net.connect({ path: '\\0${abstractSocket}' }); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', no); });
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
