import { type Node, parse, type Pattern, type Program } from 'acorn';
import { PROBE_SPECIFIER } from '../../boundary/module-protocol.js';
import type { CompiledModule } from '../compiled-module.js';

/** Of longer scripts no variables are shown: to parse them would cost more than to compile them. */
const MAX_SOURCE_CHARS = 256 * 1024;
const MAX_NAMES = 200;
const MAP_COMMENT = '//# sourceMappingURL=data:application/json;base64,';

/**
 * Lets the runner read the top-level variables of a script, whether it ends or throws midway.
 * ESM: exports them under names that no code can clash with, after the code, and imports a probe,
 * which the runner's import hook makes: it is evaluated before the script and gets hold of its
 * namespace. CommonJS: one line before the code hands getters to the runner; the source map is moved
 * by a line, so that every position that is shown stays. Returns the module as it is when it has no
 * variables or cannot be parsed.
 * @param original what the user wrote: names that only the compiler made are none of theirs
 */
export function withProbe(module: CompiledModule, original: string): CompiledModule {
  const { source, format } = module;
  if (source.length > MAX_SOURCE_CHARS || format === 'json') return module;
  try {
    const program = parseScript(source, format);
    const written = wordsOf(original);
    const names = topLevelNames(program).filter((name) => written.has(name));
    if (format === 'module') {
      return names.length === 0
        ? module
        : { ...module, source: exporting(source, names.slice(0, MAX_NAMES)) };
    }
    const edits = names.includes('module') ? [] : returnEdits(source, program);
    const line = names.length === 0 ? null : handing(names);
    return { ...module, source: edited(source, edits, line, startOfCode(source, program)) };
  } catch {
    return module;
  }
}

/** Whether code has no syntax of modules: what only names types of others has none left. */
export function isScript(source: string): boolean {
  if (source.length > MAX_SOURCE_CHARS) return false;
  try {
    parseScript(source, 'commonjs');
    return true;
  } catch {
    return false;
  }
}

const parseScript = (source: string, format: 'module' | 'commonjs'): Program =>
  parse(source, {
    ecmaVersion: 'latest',
    sourceType: format === 'module' ? 'module' : 'script',
    allowReturnOutsideFunction: true,
    allowHashBang: true,
  });

/** Variables that the top level declares; imports, functions and classes are code, not state. */
function topLevelNames(program: Program): string[] {
  const names: string[] = [];
  for (const statement of program.body) {
    const declaration =
      statement.type === 'ExportNamedDeclaration' && statement.declaration
        ? statement.declaration
        : statement;
    // V8 does not dispose of what `using` declares once it is exported.
    if (declaration.type !== 'VariableDeclaration' || isUsing(declaration.kind)) continue;
    for (const { id } of declaration.declarations) names.push(...namesIn(id));
  }
  return [...new Set(names)];
}

const isUsing = (kind: string): boolean => kind === 'using' || kind === 'await using';

function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) =>
        namesIn(part.type === 'RestElement' ? part.argument : part.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((part) => (part === null ? [] : namesIn(part)));
    case 'RestElement':
      return namesIn(pattern.argument);
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'MemberExpression':
      return [];
  }
}

/** Every word that could be a name: one pass, however many variables there are. */
const wordsOf = (text: string): Set<string> =>
  new Set(Array.from(text.matchAll(/[\p{ID_Continue}$]+/gu), ([word]) => word));

/** The runtime sorts exports by name: the number keeps them as they were declared. */
const exportName = (name: string, at: number): string => `var:${String(at).padStart(3, '0')}:${name}`;

function exporting(source: string, names: readonly string[]): string {
  const list = names.map((name, at) => `${name} as ${JSON.stringify(exportName(name, at))}`).join(', ');
  const end = source.lastIndexOf(MAP_COMMENT);
  return `${source.slice(0, end)}export { ${list} };\nimport ${JSON.stringify(PROBE_SPECIFIER)};\n${source.slice(end)}`;
}

function handing(all: readonly string[]): string | null {
  const names = all.filter((name) => name !== 'globalThis' && name !== '__proto__').slice(0, MAX_NAMES);
  if (names.length < Math.min(all.length, MAX_NAMES)) return null;
  const getters = names.map((name) => `get ${name}() { return ${name} }`).join(', ');
  return `try { globalThis.process.getBuiltinModule(${JSON.stringify(PROBE_SPECIFIER)})?.({ ${getters} }); } catch {}\n`;
}

/** Text to put into a source, by its offset there. */
type Edit = readonly [at: number, text: string];

/** What a CommonJS script returns at its top level is its value: Node drops it, so it becomes what is exported. */
function returnEdits(source: string, program: Program): Edit[] {
  const edits: Edit[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null || !('type' in node)) return;
    const { type, argument } = node as { type: string; argument?: Node | null };
    if (/Function|Class/.test(type) || type.endsWith('Expression')) return;
    if (type === 'ReturnStatement' && argument) {
      // Not the argument alone: it may be in brackets.
      const from = (node as unknown as Node).start + 'return'.length;
      edits.push([from, ' module.exports = ('], [endOfReturn(source, node as unknown as Node), ')']);
      return;
    }
    Object.values(node).forEach(visit);
  };
  visit(program.body);
  return edits;
}

const endOfReturn = (source: string, { end }: Node): number => (source[end - 1] === ';' ? end - 1 : end);

function edited(source: string, edits: readonly Edit[], line: string | null, start: number): string {
  const end = source.lastIndexOf(MAP_COMMENT);
  let code = '';
  let done = 0;
  for (const [at, text] of [...(line === null ? [] : [[start, line] as const]), ...edits]) {
    code += source.slice(done, at) + text;
    done = at;
  }
  code += source.slice(done, end);
  const map = source.slice(end + MAP_COMMENT.length);
  const lineNumber = source.slice(0, start).split('\n').length - 1;
  return `${code}${MAP_COMMENT}${line === null ? map : `${movedMap(map, lineNumber)}\n`}`;
}

/** After `#!` and directives such as "use strict", which mean nothing further down. */
function startOfCode(source: string, program: Program): number {
  const isDirective = (node: Node): boolean => 'directive' in node && node.directive !== undefined;
  const last = program.body.findLast(isDirective);
  if (last === undefined && !source.startsWith('#!')) return 0;
  const lineEnd = source.indexOf('\n', last?.end ?? 0);
  return lineEnd < 0 ? source.length : lineEnd + 1;
}

function movedMap(encoded: string, lineNumber: number): string {
  const map = JSON.parse(Buffer.from(encoded.trim(), 'base64').toString('utf8')) as { mappings: string };
  const lines = map.mappings.split(';');
  lines.splice(lineNumber, 0, '');
  return Buffer.from(JSON.stringify({ ...map, mappings: lines.join(';') })).toString('base64');
}
