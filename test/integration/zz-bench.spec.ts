import { it } from '@jest/globals';
import { useRedis } from '../support/test-redis.js';
import { openWorkspace } from '../support/workspace.js';
const redis = useRedis();
it('bench', async () => {
  const w = openWorkspace(redis.connect(), redis.connect('impatient'), 'two:'); const files = new Map<string, string>();
  for (let i = 0; i < 200; i++) files.set(`m${i}.ts`, [2 * i + 1, 2 * i + 2].filter((c) => c < 200).map((c) => `import { f1 as c${c} } from './m${c}'; c${c}(1);`).join('\n') + '\nexport const f1 = (a: number) => a;');
  files.set('main.ts', `import { f1 } from './m0'; export default f1(1)`);
  await w.publisher.publish(files);
  const warm: number[] = []; for (let i = 0; i < 25; i++) { const s = performance.now(); await w.service.prepare({ entry: { kind: 'module', path: 'main.ts' } }); warm.push(performance.now() - s); }
  console.log(warm.toSorted((a,b)=>a-b)[12]);
});
