import { describe, expect, it } from '@jest/globals';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const DOCUMENT = new URL('../schemas/openapi.json', import.meta.url);

/** A program of somebody who generated types from the document. */
const CLIENT = `
import type { components, operations } from './api';

type Execution = components['schemas']['Execution'];
type Submit = operations['submitExecution']['requestBody']['content']['application/json'];

export const request: Submit = { file_path: 'workflows/greet.ts', parameters: { name: 'Ada' }, attempts: 2 };

export function describe(execution: Execution): string {
  switch (execution.status) {
    case 'stored':
    case 'queued':
    case 'delayed':
      return execution.waiting?.reason ?? 'accepted';
    case 'running':
      return \`attempt \${execution.attempt}\`;
    case 'succeeded':
      return execution.finished_at;
    case 'failed':
    case 'timed_out':
    case 'cancelled':
      return execution.failure?.code ?? execution.error ?? '';
  }
}

export const task = (seen: components['schemas']['Task']): string | undefined =>
  seen.status === 'failed' ? seen.errorMessage : undefined;

export const change = (seen: components['schemas']['Change']): string =>
  seen.type === 'gap' ? seen.id : seen.execution_id;
`;

const CARELESS = `
import type { components } from './api';
export const when = (seen: components['schemas']['Execution']): string => seen.finished_at;
`;

/** What the compiler says of programs beside the generated types, by file. */
function compile(types: string, programs: Record<string, string>): [file: string, message: string][] {
  const files: Record<string, string> = { '/api.d.ts': types, ...programs };
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    lib: ['lib.es2022.d.ts'],
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path in files || disk.fileExists(path),
    readFile: (path) => files[path] ?? disk.readFile(path),
    getSourceFile: (path, language) => {
      const text = files[path];
      return text === undefined
        ? disk.getSourceFile(path, language)
        : ts.createSourceFile(path, text, language);
    },
  };
  return ts
    .getPreEmitDiagnostics(ts.createProgram(Object.keys(programs), options, host))
    .map(({ file, messageText }) => [
      file?.fileName ?? '',
      ts.flattenDiagnosticMessageText(messageText, ' '),
    ]);
}

describe('types that are generated from schemas/openapi.json', () => {
  it('tell states apart, and compile with a client that relies on it', async () => {
    const types = astToString(await openapiTS(DOCUMENT));
    expect(compile(types, { '/client.ts': CLIENT, '/careless.ts': CARELESS })).toEqual([
      ['/careless.ts', expect.stringMatching(/finished_at/)],
    ]);
  });
});
