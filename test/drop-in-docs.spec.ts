import { expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRESETS } from '../src/config/presets.js';
import { executionContextSchema } from '../src/contract/context.js';
import { executionUpdateSchema } from '../src/contract/clients/engine.js';
import { taskResultSchema } from '../src/contract/clients/task-result.js';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'drop-in.md'), 'utf8');
const cellsOf = (line: string): string[] => line.split('|').map((cell) => cell.trim());

it('names tests that are there, and their cases as they are called', () => {
  const named = [...page.matchAll(/`((?:src|test)\/[\w./-]+\.spec\.ts)`(?:, "([^"]+)")?/g)];
  expect(named.length).toBeGreaterThan(30);
  const untrue = named.filter(([, file = '', title = '']) => {
    const path = join(ROOT, file);
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(title);
  });
  expect(untrue.map(([text]) => text)).toEqual([]);
});

it('shows each preset as it is', () => {
  const columns = ['orchestrator', 'engine'] as const;
  const rows = page.split('\n').map(cellsOf);
  const shown = Object.fromEntries(
    columns.map((preset, index) => [
      preset,
      Object.fromEntries(
        rows
          .filter(([, name = '', ...cells]) => /^`[A-Z_]+`$/.test(name) && cells.length === 3)
          .map(([, name = '', ...cells]) => [name.slice(1, -1), (cells[index] as string).slice(1, -1)])
          .filter(([, value]) => value !== ''),
      ),
    ]),
  );
  expect(shown).toEqual({ orchestrator: PRESETS.orchestrator.defaults, engine: PRESETS.engine.defaults });
});

it('has every field of the documents that it is about', () => {
  const fields = [
    ...Object.keys(taskResultSchema.shape),
    ...executionUpdateSchema.options.map(({ shape }) => shape.type.value),
    // These are of this worker and not of the engine.
    ...Object.keys(executionContextSchema.shape).filter(
      (name) =>
        ![
          'workspace_generation',
          'extra',
          'files',
          'env',
          'secrets',
          'network',
          'capture_locals',
          'again_of',
          'secret_names',
          'band',
          'concurrency_key',
          'concurrency_limit',
        ].includes(name),
    ),
  ];
  expect(fields.filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
});
