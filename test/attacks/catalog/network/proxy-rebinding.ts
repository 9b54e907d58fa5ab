import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Connects by a name that is public when it is looked up first, and inside a moment later.',
  refusal: 'The dialer connects to the address that it has checked, and looks at every answer anew.',
  kernel: true,
  proxy: () => '*:*',
  code: ({ insidePort }) => `
import http from 'node:http';
let asked = 0;
const lookup = (host, options, done) => options.all ? done(null, [{ address: asked++ ? '127.0.0.1' : '1.1.1.1', family: 4 }]) : done(null, asked++ ? '127.0.0.1' : '1.1.1.1', 4);
const get = () => new Promise((done) => { const request = http.get({ host: 'rebinding.test', port: ${insidePort}, lookup, timeout: 1500 }, (answer) => { let seen = ''; answer.on('data', (chunk) => (seen += chunk)); answer.on('end', () => done(seen)); }); request.on('timeout', () => request.destroy()); request.on('error', (error) => done(String(error))); });
export default async () => (await Promise.all(Array.from({ length: 20 }, get))).join();
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
