// The work that every contestant does: the same files, imported from disk by the peers and published as
// workspace modules for the product.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const WORKLOADS = ['noop', 'cpu', 'sleep', 'imports', 'prints'] as const;
export type Workload = (typeof WORKLOADS)[number];

export const ABOUT: Readonly<Record<Workload, string>> = {
  noop: 'returns its argument',
  cpu: 'about 10 ms of CPU',
  sleep: 'sleeps 50 ms',
  imports: 'imports 20 modules',
  prints: 'prints 1,000 lines',
};

const IMPORTS = 20;

/** Path -> source. Plain JavaScript, so that no contestant has a compiler to wait for. */
export function workFiles(): Record<string, string> {
  const files: Record<string, string> = {
    'noop.js': 'export default async (parameters) => parameters;\n',
    'cpu.js': `export default async () => {
  let sum = 0;
  for (let i = 0; i < 1e7; i += 1) sum = (sum + i * 31) | 0;
  return sum;
};\n`,
    'sleep.js':
      'export default async () => { await new Promise((done) => setTimeout(done, 50)); return 1; };\n',
    'prints.js':
      "export default async () => { for (let i = 0; i < 1000; i += 1) console.log('line', i); return 1; };\n",
    'imports.js': importing(IMPORTS),
  };
  for (let index = 0; index < IMPORTS; index += 1) files[`lib/m${index}.js`] = moduleSource(index);
  return files;
}

/** A module of about 1 KB that is real code to parse. */
export function moduleSource(index: number): string {
  const functions = Array.from(
    { length: 15 },
    (_, line) => `export function f${line}(a, b = ${index}) { return a * ${line} + b * ${index}; }`,
  );
  return `export const value = ${index};\n${functions.join('\n')}\n`;
}

/** A module whose default export needs the first `count` modules of `lib`. */
export function importing(count: number): string {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const imports = indexes.map((index) => `import { value as v${index} } from './lib/m${index}.js';`);
  return `${imports.join('\n')}\nexport default async () => ${indexes.map((index) => `v${index}`).join(' + ')};\n`;
}

/** Puts the work on disk for the peers. */
export function writeWork(folder: string): void {
  mkdirSync(join(folder, 'lib'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  for (const [path, source] of Object.entries(workFiles())) writeFileSync(join(folder, path), source);
}
