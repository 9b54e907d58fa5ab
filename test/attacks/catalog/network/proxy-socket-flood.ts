import type { Attack } from '../../support/attack.js';

const LIMIT = 64;

export default {
  mechanism: 'Opens as many connections at once as it can.',
  refusal: 'The outlet: NETWORK_CONNECTIONS_LIMIT for each execution.',
  kernel: true,
  proxy: ({ allowedPort }) => `127.0.0.1:${allowedPort}`,
  code: ({ allowedPort }) => `
import net from 'node:net';
const open = () => new Promise((done) => { const socket = net.connect(${allowedPort}, '127.0.0.1', () => done(1)); socket.on('error', () => done(0)); });
export default async () => (await Promise.all(Array.from({ length: 90 }, open))).reduce((sum, one) => sum + one);
`,
  reached: ({ ending }) => !(Number(ending.value) <= LIMIT && Number(ending.value) > 0),
} satisfies Attack;
