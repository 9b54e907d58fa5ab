import { expect, it } from '@jest/globals';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const EXAMPLES = join(ROOT, 'examples', 'workspace');

/** Compares what the types promise to workflows with what the runner gives them, field by field, both ways. */
const COMPARISON = `
/// <reference path="${join(EXAMPLES, 'bifrost.d.ts')}" />
import type { Context } from 'bifrost';
import type { ExecutionContext } from '${join(ROOT, 'src/contract/context.js')}';
import type { UserContext } from '${join(ROOT, 'src/runner/user/user-context.js')}';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Plain<T> = { [Key in keyof T]: T[Key] };
// The runner passes these on as they came; the contract says what they hold.
type FromProducer = 'caller' | 'organization';
type Declared = Plain<Omit<Context, FromProducer>>;
type Given = Plain<Omit<UserContext, FromProducer>>;

export const sameNames: Same<keyof Context, keyof UserContext> = true;
export const sameFields: { [Key in keyof Declared | keyof Given]: Same<Declared[Key & keyof Declared], Given[Key & keyof Given]> } =
  { ATTRIBUTES } as const;
declare const caller: NonNullable<ExecutionContext['caller']>;
declare const organization: NonNullable<ExecutionContext['organization']>;
export const callerHolds: NonNullable<Context['caller']> = caller;
export const organizationHolds: NonNullable<Context['organization']> = organization;
declare const declared: Context;
export const callerComes: ExecutionContext['caller'] = declared.caller;
export const organizationComes: ExecutionContext['organization'] = declared.organization;
`;
const FIELDS =
  'executionId attempt run starts schedule children childFailures workflowId name files artifacts config startup event extra secrets traceparent deadline signal logger progress variables'.split(
    ' ',
  );

/** Files of the disk that programs with the same options have read: most of each program is the same. */
const read = new Map<string, ts.SourceFile | undefined>();

/** Type errors of one program, or of one file of it alone, as text. */
function errorsOf(
  files: readonly string[],
  options: ts.CompilerOptions,
  { extra = new Map<string, string>(), of }: { extra?: Map<string, string>; of?: string } = {},
) {
  const disk = ts.createCompilerHost(options);
  const fromDisk: typeof disk.getSourceFile = (name, language, ...rest) => {
    const key = JSON.stringify([name, language, options]);
    if (!read.has(key)) read.set(key, disk.getSourceFile(name, language, ...rest));
    return read.get(key);
  };
  const host: ts.CompilerHost = {
    ...disk,
    readFile: (name) => extra.get(name) ?? disk.readFile(name),
    fileExists: (name) => extra.has(name) || disk.fileExists(name),
    getSourceFile: (name, language) => {
      const text = extra.get(name);
      return text === undefined ? fromDisk(name, language) : ts.createSourceFile(name, text, language);
    },
  };
  const program = ts.createProgram([...files], options, host);
  const errors =
    of === undefined
      ? ts.getPreEmitDiagnostics(program)
      : program.getSemanticDiagnostics(program.getSourceFile(of));
  return errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

function optionsOf(config: string): { options: ts.CompilerOptions; fileNames: string[] } {
  const { config: json } = ts.readConfigFile(config, (name) => ts.sys.readFile(name)) as { config: unknown };
  const parsed = ts.parseJsonConfigFileContent(json, ts.sys, join(config, '..'));
  return { options: { ...parsed.options, noEmit: true, incremental: false }, fileNames: parsed.fileNames };
}

function compare(declaration?: string): string[] {
  // What a producer may leave out is declared for people who do not check that exactly.
  const options = { ...optionsOf(join(ROOT, 'tsconfig.json')).options, exactOptionalPropertyTypes: false };
  const file = join(ROOT, 'test', 'integration', 'comparison.ts');
  const source = COMPARISON.replace('ATTRIBUTES', FIELDS.map((name) => `${name}: true`).join(', '));
  const extra = new Map([[file, source]]);
  if (declaration === undefined) return errorsOf([file], options, { extra });
  extra.set(join(EXAMPLES, 'bifrost.d.ts'), declaration);
  // The comparison has to fail itself.
  return errorsOf([file], options, { extra, of: file });
}

it('declares to workflows what the runner gives them', () => {
  expect(compare()).toEqual([]);
});

it.each([
  ['a field that is not there', 'attempt: number;', 'attempt: number; unreal: string;'],
  ['a field less', 'workflowId: string | null;', ''],
  ['another type', 'deadline: Date;', 'deadline: string;'],
  ['another argument', 'progress(fraction: number, message?: string)', 'progress(fraction: number)'],
  ['a caller of another shape', 'email?: string | null;', 'email: number;'],
])('fails when the declaration has %s', (_what, before, after) => {
  const text = ts.sys.readFile(join(EXAMPLES, 'bifrost.d.ts')) as string;
  expect(text).toContain(before);
  expect(compare(text.replace(before, after))).not.toEqual([]);
});

it('makes the examples compile', () => {
  const { options, fileNames } = optionsOf(join(EXAMPLES, 'tsconfig.json'));
  expect(fileNames.length).toBeGreaterThan(5);
  expect(errorsOf(fileNames, options)).toEqual([]);
});
