import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Writes to the descriptor of the proxy itself: opens a stream to a server inside and reads the answer.',
  refusal: 'The worker decides of what comes over the descriptor, whatever code wrote it.',
  kernel: true,
  quick: true,
  proxy: ({ allowedPort }) => `127.0.0.1:${allowedPort}`,
  code: ({ insidePort }) => `
import fs from 'node:fs';
const frame = (type, stream, payload) => { const head = Buffer.alloc(9); head.writeUInt8(type, 0); head.writeUInt32LE(stream, 1); head.writeUInt32LE(payload.length, 5); return Buffer.concat([head, Buffer.from(payload)]); };
const read = () => { const bytes = Buffer.alloc(65536); try { return bytes.toString('latin1', 0, fs.readSync(6, bytes)); } catch { return ''; } };
export default () => {
  for (const [stream, host] of [[1, '127.0.0.1'], [2, '::ffff:127.0.0.1'], [3, 'localhost']]) {
    fs.writeSync(6, frame(1, stream, JSON.stringify({ host, port: ${insidePort} })));
    fs.writeSync(6, frame(2, stream, ''));
    fs.writeSync(6, frame(3, stream, 'GET / HTTP/1.0\\r\\n\\r\\n'));
  }
  let seen = '';
  for (const until = Date.now() + 400; Date.now() < until && !seen.includes('canary'); ) seen += read();
  return seen;
};
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
