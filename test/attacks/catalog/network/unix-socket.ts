import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Connects to a Unix socket in the file system.',
  refusal: 'Node: no network; the system-call filter: no sockets; namespace: no such file.',
  kernel: true,
  code: ({ unixSocket }) => `
import net from 'node:net';
export default () => new Promise((done, no) => { let seen = ''; const socket = net.connect({ path: '${unixSocket}' }); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', no); });
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
