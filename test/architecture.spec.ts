import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { circlesIn } from './support/architecture/circles.js';
import { checkSources } from './support/architecture/import-rule.js';
import { checkDocuments, checkLanguage } from './support/architecture/language.js';
import { readSource } from './support/architecture/read-imports.js';
import { stationsIn, untruthsIn } from './support/architecture/way-of-a-job.js';

const MOST_IN_A_FOLDER = 20;
/** Files that hand one job on, in the worker process. */
const LONGEST_WAY = 25;
const ROOT = join(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

const check = (files: Record<string, string>): string[] =>
  checkSources(new Map(Object.entries(files))).map(({ file, line, message }) => `${file}:${line} ${message}`);

describe('the sources', () => {
  const sources = new Map(
    globSync('**/*.ts', { cwd: SRC, exclude: ['**/*.spec.ts'] })
      .toSorted()
      .map((file) => [file.replaceAll('\\', '/'), readFileSync(join(SRC, file), 'utf8')]),
  );

  it('are found', () => {
    expect([...sources.keys()]).toEqual(
      expect.arrayContaining(['config/settings.ts', 'runner/entry/process.ts', 'contract/jobs/job.ts']),
    );
  });

  it('have no circles', () => {
    expect(circlesIn(sources)).toEqual([]);
  });

  it('are at most 20 in a folder', () => {
    const others = globSync('{test,bench}/**/*.ts', { cwd: ROOT });
    const files = [...[...sources.keys()].map((file) => join('src', file)), ...others];
    const crowded = [...Map.groupBy(files, dirname)].filter(([, beside]) => beside.length > MOST_IN_A_FOLDER);
    expect(crowded.map(([folder, beside]) => `${folder}: ${beside.length}`)).toEqual([]);
  });

  it('are what ARCHITECTURE.md says of the way of a job', () => {
    const stations = stationsIn(readFileSync(join(SRC, '..', 'ARCHITECTURE.md'), 'utf8'));
    expect(stations.length).toBeGreaterThan(10);
    expect(stations.length).toBeLessThanOrEqual(LONGEST_WAY);
    expect(untruthsIn(stations, sources)).toEqual([]);
  });

  it('keep the rules of ARCHITECTURE.md', () => {
    expect(checkSources(sources).map(({ file, line, message }) => `src/${file}:${line} ${message}`)).toEqual(
      [],
    );
  });
});

describe('the console', () => {
  it('imports of src what is contract or lib', () => {
    const files = globSync('console/src/**/*.{ts,tsx}', { cwd: ROOT });
    expect(files.length).toBeGreaterThan(20);
    const strays = files.flatMap((file) =>
      readSource(file, readFileSync(join(ROOT, file), 'utf8'))
        .imports.filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => join(dirname(file), specifier).replaceAll('\\', '/'))
        .filter((target) => !/^(console\/src|src\/contract|src\/lib)\//.test(target))
        .map((target) => `${file} imports ${target}`),
    );
    expect(strays).toEqual([]);
  });
});

describe('the language of', () => {
  const read = (patterns: readonly string[], cwd: string): Map<string, string> =>
    new Map(
      globSync(patterns, { cwd })
        .map((file) => file.replaceAll('\\', '/'))
        .toSorted()
        .map((file) => [file, readFileSync(join(cwd, file), 'utf8')]),
    );
  const shown = (found: ReturnType<typeof checkLanguage>): string[] =>
    found.map(({ file, line, message }) => `${file}:${line} ${message}`);

  it('the sources is plain English', () => {
    expect(shown(checkLanguage(read(['**/*.ts'], SRC)))).toEqual([]);
  });

  it('the documents is plain English', () => {
    const documents = read(
      ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'docs/*.md'],
      ROOT,
    );
    expect(documents.size).toBeGreaterThan(10);
    expect(shown(checkDocuments(documents))).toEqual([]);
  });
});

describe('the way of a job', () => {
  const TABLE = '| 1   | `a.ts` | begins | `b.ts` |\n| 2   | `c.ts` | goes on |        |';

  it('is read row by row', () => {
    expect(stationsIn(TABLE)).toEqual([
      { file: 'a.ts', beside: ['b.ts'] },
      { file: 'c.ts', beside: [] },
    ]);
  });

  it('is true where each file is reached and imports what stands beside it', () => {
    const sources = { 'a.ts': `import './b.js';`, 'b.ts': `import './c.js';`, 'c.ts': '' };
    expect(untruthsIn(stationsIn(TABLE), new Map(Object.entries(sources)))).toEqual([]);
  });

  it.each([
    [{ 'a.ts': `import './b.js';`, 'b.ts': '' }, ['c.ts is not there']],
    [{ 'a.ts': `import './b.js';`, 'b.ts': '', 'c.ts': '' }, ['c.ts is not reached']],
    [{ 'a.ts': `import './c.js';`, 'b.ts': '', 'c.ts': '' }, ['a.ts does not import b.ts']],
  ])('is not true of %j', (sources, untruths) => {
    expect(untruthsIn(stationsIn(TABLE), new Map(Object.entries(sources)))).toEqual(untruths);
  });
});

describe('circles of imports', () => {
  it('are found, also of types alone and across folders', () => {
    const sources = new Map([
      ['a/one.ts', `import type { B } from '../b/two.js';`],
      ['b/two.ts', `export * from './three.js';`],
      ['b/three.ts', `type A = import('../a/one.js').A;`],
      ['b/four.ts', `import { a } from '../a/one.js';`],
    ]);
    expect(circlesIn(sources)).toEqual([['a/one.ts', 'b/three.ts', 'b/two.ts']]);
  });

  it('are none where files build on each other', () => {
    const sources = new Map([
      ['a.ts', `import './b.js'; import './c.js';`],
      ['b.ts', `import './c.js';`],
      ['c.ts', ''],
    ]);
    expect(circlesIn(sources)).toEqual([]);
  });
});

describe('a runner', () => {
  it.each(['ioredis', 'bullmq', '@nestjs/common', 'zod', 'fs'])('may not import %s', (name) => {
    expect(check({ 'runner/entry.ts': `import x from '${name}';` }).join()).toContain(
      `runner/entry.ts:1 loads ${name}; runner loads Node itself`,
    );
  });

  it('may import Node, contract and lib', () => {
    expect(
      check({
        'runner/entry.ts': `import fs from 'node:fs'; import { a } from '../contract/a.js'; import '../lib/b.js';`,
        'contract/a.ts': 'export const a = 1;',
        'lib/b.ts': '',
      }),
    ).toEqual([]);
  });

  it('may not load a package by way of what it imports', () => {
    const files = {
      'runner/entry.ts': `import './inner.js';`,
      'runner/inner.ts': `export { a } from '../contract/a.js';`,
      'contract/a.ts': `import { z } from 'zod'; export const a = z.string();`,
    };
    expect(check(files)).toContain(
      'runner/entry.ts:1 loads runner/inner.ts -> contract/a.ts -> zod; runner loads Node itself',
    );
  });

  it.each([
    `import type { z } from 'zod';`,
    `import { type z } from 'zod';`,
    `export type { z } from 'zod';`,
    `type z = import('zod').ZodType;`,
    `// import { z } from 'zod';`,
    `const text = "import { z } from 'zod'";`,
  ])('may name a type, which is gone at run time: %s', (line) => {
    expect(check({ 'runner/entry.ts': line })).toEqual([]);
  });

  it.each([
    `import 'zod';`,
    `import {} from 'zod';`,
    `import z, { type A } from 'zod';`,
    `import { type A, z } from 'zod';`,
    `export * from 'zod';`,
    `await import('zod');`,
    `const z = require('zod');`,
  ])('is caught however it loads a package: %s', (line) => {
    expect(check({ 'runner/entry.ts': line })).toEqual([
      'runner/entry.ts:1 loads zod; runner loads Node itself',
    ]);
  });

  it('may not import the configuration, not even as a type', () => {
    const files = {
      'runner/entry.ts': `import type { Settings } from '../config/settings.js';`,
      'config/settings.ts': '',
    };
    expect(check(files)).toEqual([
      'runner/entry.ts:1 imports config/settings.ts: runner may import boundary, contract, lib only',
    ]);
  });
});

describe('folders', () => {
  it.each([
    ['context/a.ts', 'workspace/b.ts'],
    ['workspace/a.ts', 'packages/b.ts'],
    ['packages/a.ts', 'heartbeat/b.ts'],
    ['config/a.ts', 'redis/b.ts'],
    ['executor/a.ts', 'queue/b.ts'],
    ['results/a.ts', 'queue/b.ts'],
    ['queue/a.ts', 'worker/b.ts'],
    ['lib/a.ts', 'contract/b.ts'],
    ['outcome/a.ts', 'executor/b.ts'],
    ['worker/a.ts', 'api/b.ts'],
    ['health/a.ts', 'api/b.ts'],
    ['api/a.ts', 'executor/b.ts'],
    ['executor/a.ts', 'runner/b.ts'],
    ['contract/a.ts', 'config/b.ts'],
    ['api/a.ts', 'main.ts'],
    ['cli/a.ts', 'api/b.ts'],
  ])('%s may not import %s', (from, to) => {
    const found = check({ [from]: `import '../${to.replace('.ts', '.js')}';`, [to]: '' });
    expect(found.join()).toContain(`${from}:1 imports ${to}`);
  });

  it.each([
    ['worker/a.ts', 'executor/b.ts'],
    ['executor/a.ts', 'workspace/b.ts'],
    ['results/a.ts', 'redis/b.ts'],
    ['api/a.ts', 'queue/b.ts'],
  ])('%s may import %s', (from, to) => {
    expect(check({ [from]: `import '../${to.replace('.ts', '.js')}';`, [to]: '' })).toEqual([]);
  });

  it('need a rule', () => {
    expect(check({ 'novel/a.ts': `import '../lib/b.js';`, 'lib/b.ts': '' })).toEqual([
      'novel/a.ts:1 is in the folder "novel", for which no rule says what it may import',
    ]);
  });

  it('name files that exist', () => {
    expect(check({ 'lib/a.ts': `import './gone.js';` })).toEqual([
      'lib/a.ts:1 imports ./gone.js, which is not there',
    ]);
  });
});

describe('a client command', () => {
  it('loads no Nest, also not by way of what it imports', () => {
    const files = {
      'cli/executions/run.ts': `import '../../lib/a.js';`,
      'lib/a.ts': `import '@nestjs/common';`,
    };
    expect(check(files)).toEqual([
      'cli/executions/run.ts:1 loads lib/a.ts -> @nestjs/common; cli loads neither Nest nor Redis nor the compiler',
      'lib/a.ts:1 loads @nestjs/common; lib loads neither Nest nor Redis nor the compiler',
    ]);
  });

  it('becomes the application by a dynamic import only', () => {
    const application = { 'bootstrap.ts': `import '@nestjs/core';` };
    expect(check({ ...application, 'cli/worker.ts': `await import('../bootstrap.js');` })).toEqual([]);
    expect(check({ ...application, 'cli/worker.ts': `import '../bootstrap.js';` })).not.toEqual([]);
  });
});

describe('packages that speak Redis', () => {
  it('are loaded in few places', () => {
    expect(check({ 'executor/a.ts': `import { Redis } from 'ioredis';` })).toEqual([
      'executor/a.ts:1 imports ioredis, which only redis may',
    ]);
    expect(check({ 'executor/a.ts': `import { Queue } from 'bullmq';` })).toHaveLength(1);
    expect(check({ 'results/a.ts': `import type { Queue } from 'bullmq';` })).toEqual([]);
    expect(check({ 'redis/a.ts': `import { Redis } from 'ioredis';` })).toEqual([]);
  });
});

describe('the environment', () => {
  it.each([
    'process.env.A;',
    `process['env'];`,
    'globalThis.process.env;',
    'const { env } = process;',
    `import { env } from 'node:process';`,
  ])('is read by config alone: %s', (line) => {
    expect(check({ 'queue/a.ts': `\n${line}` })).toEqual([
      'queue/a.ts:2 uses process.env: only config reads the environment, once',
    ]);
    expect(check({ 'config/a.ts': line })).toEqual([]);
  });

  it('is handed over once by main', () => {
    expect(check({ 'main.ts': 'start(process.env);' })).toEqual([]);
    expect(check({ 'main.ts': 'start(process.env);\nprocess.env.A = "1";' })).toHaveLength(1);
  });
});

describe('files', () => {
  it.each(['lib/utils.ts', 'helpers/a.ts', 'queue/job-manager.ts', 'lib/common.service.ts'])(
    'are not named %s',
    (file) => {
      expect(check({ [file]: '' }).join()).toContain('says nothing of what it does');
    },
  );

  it('longer than 300 lines say why', () => {
    const long = 'const a = 1;\n'.repeat(301);
    expect(check({ 'lib/a.ts': long }).join()).toContain('has 301 lines');
    expect(check({ 'lib/a.ts': `// Longer than 300 lines: one table\n${long}` })).toEqual([]);
    expect(check({ 'lib/a.ts': 'const a = 1;\n'.repeat(300) })).toEqual([]);
  });
});
