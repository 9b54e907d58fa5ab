import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Looks for the nonce of the execution in the memory of buffers: the shared pool, fresh ones, read ones.',
  refusal:
    'The runner keeps the channel in memory of its own and clears it; Node zeroes fresh buffers (--zero-fill-buffers).',
  kernel: true,
  quick: true,
  code: ({ early, knownNonce }) => `
import fs from 'node:fs';
import zlib from 'node:zlib';
const SECRET = /[0-9a-f]{32} \\{"type"|"nonce":"[0-9a-f]{32}"/;
let seen = null;
const look = (memory) => { seen ??= SECRET.exec(Buffer.prototype.latin1Slice.call(Buffer.from(memory)))?.[0] ?? null; };
export default async () => {
  for (let i = 0; i < 50; i++) console.log('a line of output ' + i);
  if (${early}) Buffer.from('${knownNonce} {"type"');
  look(Buffer.from('ab').buffer); look(Buffer.allocUnsafe(8).buffer); look(new TextEncoder().encode('ab').buffer); look(zlib.deflateSync('ab').buffer);
  fs.writeFileSync('f', 'x'); look(fs.readFileSync('f').buffer); look(Buffer.concat([Buffer.from('a')]).buffer);
  let garbage = []; for (let i = 0; i < 2000; i++) garbage.push(new Array(1000).fill(i)); garbage = null;
  await new Promise((r) => setTimeout(r, 50));
  for (let size = 32; size <= 1 << 21; size *= 2) for (let i = 0; i < 20; i++) { look(Buffer.allocUnsafeSlow(size + i).buffer); console.log(size); }
  return seen;
};
`,
  reached: ({ ending }) => typeof ending.value === 'string' && /[0-9a-f]{32}/.test(ending.value),
} satisfies Attack;
