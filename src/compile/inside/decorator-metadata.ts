/**
 * `emitDecoratorMetadata`, which esbuild does not know: swc compiles the types of decorated members into
 * `Reflect.metadata` calls; esbuild has what comes out as plain JavaScript.
 */
import {
  type CallExpression,
  type ConditionalExpression,
  type ImportDeclaration,
  type Node,
  parse,
  type Program,
} from 'acorn';

/** The part of swc's native library that is used; both methods throw on what they cannot parse. */
export interface Swc {
  parseSync(source: string, options: Buffer, filename: string): string;
  transformSync(source: string, isAst: boolean, options: Buffer): { code: string };
}

const METADATA_CALL = '_ts_metadata';
const TYPE_NAME = '__bifrost_type';
const IMPORT_NAME = '__bifrost_types_';
/**
 * A type is a function when it exists at run time; an interface, an enum of another module, or a class that is
 * not evaluated yet, as among modules that import each other, is an object to its reader.
 */
const TYPE_FUNCTION = `\nfunction ${TYPE_NAME}(read) { try { const type = read(); return typeof type === 'function' ? type : Object; } catch { return Object; } }\n`;

/** Whether a source is compiled with {@link withDecoratorMetadata}; as in TypeScript, of legacy decorators only. */
export function asksForMetadata(source: string, tsconfig: string | undefined): boolean {
  if (!tsconfig?.includes('emitDecoratorMetadata') || !source.includes('@')) return false;
  const { emitDecoratorMetadata, experimentalDecorators } = optionsOf(tsconfig);
  return emitDecoratorMetadata === true && experimentalDecorators === true;
}

/**
 * Compiles TypeScript to JavaScript whose decorators have the metadata of types, with an inline source map.
 * What is only a type at run time is `Object`, as tsc has it; an import that only names types never fails for
 * what its module does not export.
 * @param tsconfig JSON text
 * @throws {Error} when swc or the parser refuses the source
 */
export function withDecoratorMetadata(
  swc: Swc,
  { source, path, tsconfig }: { source: string; path: string; tsconfig: string },
): string {
  const parser = { syntax: 'typescript', decorators: true, tsx: /x$/i.test(path), target: 'esnext' };
  const options = { ...transformOptions(tsconfig), filename: path, isModule: 'unknown' };
  const { code } = swc.transformSync(
    source,
    false,
    json({ ...options, jsc: { ...options.jsc, parser, target: 'esnext', keepClassNames: true } }),
  );
  if (!code.includes(`${METADATA_CALL}("design:`)) return code;
  const types = typeNames(swc.parseSync(source, json({ ...parser, isModule: 'unknown' }), path));
  return saferTypes(code, types);
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function transformOptions(tsconfig: string) {
  const {
    jsx = 'react-jsx',
    jsxFactory,
    jsxFragmentFactory,
    jsxImportSource,
    ...given
  } = optionsOf(tsconfig);
  const react = {
    runtime: jsx === 'react' ? 'classic' : 'automatic',
    development: jsx === 'react-jsxdev',
    pragma: jsxFactory,
    pragmaFrag: jsxFragmentFactory,
    importSource: jsxImportSource,
  };
  return {
    configFile: false,
    swcrc: false,
    sourceMaps: 'inline',
    jsc: {
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: given['useDefineForClassFields'] !== false,
        verbatimModuleSyntax: given['verbatimModuleSyntax'] === true,
        react,
      },
    },
  };
}

const optionsOf = (tsconfig: string): Record<string, unknown> =>
  (JSON.parse(tsconfig) as { compilerOptions: Record<string, unknown> }).compilerOptions;

interface SwcName {
  value: string;
}

/** What is read of swc's tree. */
interface SwcItem {
  type: string;
  typeOnly?: boolean;
  specifiers?: { isTypeOnly?: boolean; local?: SwcName }[];
  declaration?: SwcItem;
  decl?: SwcItem;
  id?: SwcName;
}

/** Names of a module that stand for types and nothing else. */
function typeNames(tree: string): Set<string> {
  const names = new Set<string>();
  for (const item of (JSON.parse(tree) as { program: { body: SwcItem[] } }).program.body) {
    if (item.type === 'ImportDeclaration') {
      for (const { isTypeOnly, local } of item.specifiers ?? [])
        if (local && (item.typeOnly || isTypeOnly)) names.add(local.value);
    }
    const { type, id } = item.declaration ?? item.decl ?? item;
    if (id && (type === 'TsInterfaceDeclaration' || type === 'TsTypeAliasDeclaration')) names.add(id.value);
  }
  return names;
}

/** Text to put in place of a part of a source. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Nothing is added before the end but within lines: source maps stay right by the line. */
function saferTypes(code: string, types: ReadonlySet<string>): string {
  const program = parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowReturnOutsideFunction: true,
    allowHashBang: true,
  });
  const { reads, others } = namesOf(program);
  const declared = new Set(program.body.flatMap(declaredNames));
  const edits: Edit[] = [];
  const renamed = importEdits(program, new Set(reads.map(rootOf)), others, edits);
  for (const { start, end, alternate } of reads) {
    const name = code.slice(alternate.start, alternate.end);
    const [root = '', ...rest] = name.split('.');
    if (types.has(root) && !declared.has(root)) edits.push({ start, end, text: 'Object' });
    else {
      const read = [renamed.get(root) ?? root, ...rest].join('.');
      edits.push({ start, end, text: `${TYPE_NAME}(() => ${read})` });
    }
  }
  const at = code.lastIndexOf('//# sourceMappingURL=');
  edits.push({ start: at, end: at, text: TYPE_FUNCTION });
  return edited(code, edits);
}

const rootOf = ({ alternate }: ConditionalExpression): string => {
  let node: Node = alternate;
  while (node.type === 'MemberExpression') node = (node as unknown as { object: Node }).object;
  return (node as unknown as { name: string }).name;
};

/** Where the types of decorated members are read, and the names that anything else of the code has. */
function namesOf(program: Program): { reads: ConditionalExpression[]; others: Set<string> } {
  const reads: ConditionalExpression[] = [];
  const others = new Set<string>();
  const visit = (node: unknown, inMetadata: boolean): void => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, inMetadata));
    if (typeof node !== 'object' || node === null) return;
    const { type, name } = node as { type?: string; name?: string };
    if (type === 'ImportDeclaration') return;
    if (inMetadata && type === 'ConditionalExpression') {
      reads.push(node as ConditionalExpression);
      return;
    }
    if (type === 'Identifier' && name !== undefined) others.add(name);
    const within = inMetadata || (type === 'CallExpression' && isMetadata(node as CallExpression));
    for (const part of Object.values(node)) visit(part, within);
  };
  visit(program.body, false);
  return { reads, others };
}

const isMetadata = ({ callee, arguments: [key] }: CallExpression): boolean =>
  callee.type === 'Identifier' &&
  callee.name === METADATA_CALL &&
  key?.type === 'Literal' &&
  typeof key.value === 'string' &&
  key.value.startsWith('design:');

function declaredNames(statement: Node): string[] {
  const { type, declaration, id, declarations } = statement as Node & {
    declaration?: Node | null;
    id?: { name?: string };
    declarations?: { id: { name?: string } }[];
  };
  if (type.startsWith('Export') && declaration) return declaredNames(declaration);
  return [id, ...(declarations ?? []).map((each) => each.id)].flatMap((each) => each?.name ?? []);
}

/**
 * Imports of names that only metadata reads become imports of all that the module exports, so that one that
 * exports no such thing, since it is an interface, can be linked. Returns how each such name is read.
 */
function importEdits(
  program: Program,
  read: ReadonlySet<string>,
  others: ReadonlySet<string>,
  edits: Edit[],
): Map<string, string> {
  const renamed = new Map<string, string>();
  const isOfTypes = ({ type, local }: ImportDeclaration['specifiers'][number]): boolean =>
    type !== 'ImportNamespaceSpecifier' && read.has(local.name) && !others.has(local.name);
  for (const [index, node] of program.body.entries()) {
    if (node.type !== 'ImportDeclaration' || !node.specifiers.some(isOfTypes)) continue;
    const whole = `${IMPORT_NAME}${index}`;
    for (const specifier of node.specifiers.filter(isOfTypes)) {
      const name = specifier.type === 'ImportSpecifier' ? importedName(specifier) : 'default';
      renamed.set(specifier.local.name, `${whole}[${JSON.stringify(name)}]`);
    }
    const source = JSON.stringify(node.source.value);
    const rest = clauseOf(node.specifiers.filter((specifier) => !isOfTypes(specifier)));
    const text = `import * as ${whole} from ${source};${rest === '' ? '' : ` import ${rest} from ${source};`}`;
    edits.push({ start: node.start, end: node.end, text });
  }
  return renamed;
}

const importedName = ({ imported }: { imported: { type: string; name?: string; value?: unknown } }): string =>
  imported.type === 'Identifier' ? (imported.name as string) : String(imported.value);

function clauseOf(specifiers: ImportDeclaration['specifiers']): string {
  const named = specifiers
    .filter((specifier) => specifier.type === 'ImportSpecifier')
    .map((specifier) => `${JSON.stringify(importedName(specifier))} as ${specifier.local.name}`);
  const others = specifiers
    .filter((specifier) => specifier.type !== 'ImportSpecifier')
    .map(({ type, local }) => (type === 'ImportNamespaceSpecifier' ? `* as ${local.name}` : local.name));
  return [...others, ...(named.length > 0 ? [`{ ${named.join(', ')} }`] : [])].join(', ');
}

function edited(code: string, edits: readonly Edit[]): string {
  let text = '';
  let done = 0;
  for (const { start, end, text: put } of edits.toSorted((a, b) => a.start - b.start)) {
    text += code.slice(done, start) + put;
    done = end;
  }
  return text + code.slice(done);
}
