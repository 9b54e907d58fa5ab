import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Asks the worker to connect it to Redis, whose address the list opens, in every spelling.',
  refusal: 'The dialer: no code reaches Redis, whatever NETWORK_ALLOW says.',
  kernel: true,
  quick: true,
  proxy: () => '*:*,127.0.0.0/8:*,[::1]:*,localhost:*/private,redis.test:*/private',
  code: ({ redisPort }) => `
import net from 'node:net';
const ask = (host) => new Promise((done) => { let seen = ''; const socket = net.connect({ host, port: ${redisPort} }); socket.setTimeout(1500, () => done('')); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', (error) => done(String(error))); });
export default async () => (await Promise.all(['127.0.0.1', '127.7.7.7', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1', 'localhost', 'LOCALHOST.', 'redis.test', '127.1', '0.0.0.0', '::'].map(ask))).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
