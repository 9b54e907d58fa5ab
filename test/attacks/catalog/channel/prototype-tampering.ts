import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Patches what the runner might use to report, to learn the nonce of its frames.',
  refusal: 'The runner took what it needs before user code was loaded.',
  kernel: true,
  code: ({ early }) => `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
let seen = '';
const call = Reflect.apply;
const spy = (holder, name) => { const original = holder[name]; holder[name] = function (...args) { for (const arg of [this, ...args]) try { const s = typeof arg === 'string' ? arg : ArrayBuffer.isView(arg) ? Buffer.prototype.latin1Slice.call(arg) : ''; if (/[0-9a-f]{32} \\{/.test(s)) seen = s; } catch {} return call(original, this, args); }; };
for (const [holder, names] of [[JSON, ['stringify', 'parse']], [Array.prototype, ['push', 'join', 'map']], [String.prototype, ['concat', 'slice']], [fs, ['writeSync', 'write']], [Buffer, ['from']], [Object, ['keys']], [Reflect, ['apply']]]) for (const name of names) spy(holder, name);
Object.prototype.toJSON = function () { return this; };
syncBuiltinESMExports();
export default () => { console.log('report'); if (${early}) fs.writeSync(1, '0'.repeat(32) + ' {"naive":1}'); return { get seen() { return seen; }, late: { toJSON: () => seen } }; };
`,
  reached: ({ ending }) => /[0-9a-f]{32} \{/.test(JSON.stringify(ending.value)),
} satisfies Attack;
