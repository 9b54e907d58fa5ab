import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Takes pictures of the heap and looks for the nonce of the execution in them.',
  refusal: 'The runner takes away what shows the heap before user code is loaded; Node: no inspector.',
  kernel: true,
  quick: true,
  code: ({ early, knownNonce }) => `
import fs from 'node:fs';
import v8 from 'node:v8';
import { createRequire } from 'node:module';
const SECRET = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/;
const ways = [
  async (heap) => { let text = ''; for await (const chunk of heap.getHeapSnapshot()) text += chunk; return text; },
  (heap) => fs.readFileSync(heap.writeHeapSnapshot('heap'), 'utf8'),
  (heap) => heap.queryObjects(Object, { format: 'summary' }).join(),
  () => JSON.stringify(process.report.getReport()),
];
const require = createRequire(import.meta.url);
const places = [() => v8, () => process.getBuiltinModule('v8'), () => require('v8'), () => require('node:v8'), () => process.mainModule.require('v8')];
export default async () => {
  if (${early}) return '${knownNonce}';
  for (const place of places) for (const way of ways) try { const found = SECRET.exec(await way(place())); if (found) return found[0]; } catch {}
  return null;
};
`,
  timeoutMs: 15_000,
  reached: ({ ending }) => typeof ending.value === 'string' && /^[0-9a-f]{32}$/.test(ending.value),
} satisfies Attack;
