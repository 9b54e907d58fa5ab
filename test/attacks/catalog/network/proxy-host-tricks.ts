import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Names a server inside in ways that a parser may take for the host that is allowed: line feeds, NUL, users, CONNECT, numbers.',
  refusal: 'The dialer: what is no host name is refused, and what is connected to is what was checked.',
  kernel: true,
  proxy: ({ allowedPort }) => `allowed.test:*,127.0.0.1:${allowedPort}`,
  code: ({ allowedPort, insidePort }) => `
import http from 'node:http';
import net from 'node:net';
const raw = (host) => new Promise((done) => { let seen = ''; const socket = net.connect({ host, port: ${insidePort} }, () => socket.write('GET / HTTP/1.0\\r\\n\\r\\n')); socket.setTimeout(1500, () => done('')); socket.on('data', (chunk) => (seen += chunk)); socket.on('end', () => done(seen)); socket.on('error', (error) => done(String(error))); });
const through = (options) => new Promise((done) => { const request = http.request({ host: '127.0.0.1', port: ${allowedPort}, timeout: 1500, ...options }, (answer) => { let seen = ''; answer.on('data', (chunk) => (seen += chunk)); answer.on('end', () => done(seen)); }); request.on('connect', (answer, socket) => { socket.on('data', (chunk) => done(String(chunk))); socket.write('GET / HTTP/1.0\\r\\n\\r\\n'); }); request.on('timeout', () => request.destroy()); request.on('error', (error) => done(String(error))); request.end(); });
const hosts = ['127.0.0.1\\r\\nHost: allowed.test', 'allowed.test\\r\\n127.0.0.1', '127.0.0.1\\0.allowed.test', 'allowed.test@127.0.0.1', '127.0.0.1#.allowed.test', '127.1', '2130706433', '0x7f000001', '017700000001', '[127.0.0.1]', '127.0.0.1.', ' 127.0.0.1'];
export default async () => (await Promise.all([...hosts.map(raw), through({ method: 'CONNECT', path: '127.0.0.1:${insidePort}' }), through({ path: 'http://127.0.0.1:${insidePort}/' }), through({ headers: { host: '127.0.0.1:${insidePort}' } })])).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
