import ts from 'typescript';

/** One import of a source file, however it is written. */
export interface ImportSite {
  specifier: string;
  line: number;
  /** `type`: gone at run time. `dynamic`: `import()`, loaded only when that line runs. */
  kind: 'static' | 'dynamic' | 'type';
}

/** What the import rule needs to know of one source. */
export interface SourceFacts {
  imports: ImportSite[];
  /** Lines that read or write the environment of the process. */
  environmentLines: number[];
}

/** Several rules ask for the facts of each source. */
const read = new Map<string, SourceFacts>();

/** Reads the facts from the syntax tree, so that comments and strings cannot be taken for code. */
export function readSource(path: string, source: string): SourceFacts {
  const key = `${path}\0${source}`;
  const facts = read.get(key) ?? factsOf(path, source);
  read.set(key, facts);
  return facts;
}

function factsOf(path: string, source: string): SourceFacts {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2023, true);
  const lineOf = (node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
  const facts: SourceFacts = { imports: [], environmentLines: [] };
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found) facts.imports.push({ ...found, line: lineOf(node) });
    if (touchesEnvironment(node)) facts.environmentLines.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return facts;
}

function importOf(node: ts.Node): Omit<ImportSite, 'line'> | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, kind: isTypeImport(node) ? 'type' : 'static' };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, kind: isTypeExport(node) ? 'type' : 'static' };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: (node.argument.literal as ts.StringLiteral).text, kind: 'type' };
  }
  if (!ts.isCallExpression(node)) return undefined;
  const [argument] = node.arguments;
  if (!argument || !ts.isStringLiteralLike(argument)) return undefined;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return { specifier: argument.text, kind: 'dynamic' };
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
  return isRequire ? { specifier: argument.text, kind: 'static' } : undefined;
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return !clause.name && !!named && ts.isNamedImports(named) && allTypes(named.elements);
}

function isTypeExport(node: ts.ExportDeclaration): boolean {
  const clause = node.exportClause;
  return node.isTypeOnly || (!!clause && ts.isNamedExports(clause) && allTypes(clause.elements));
}

const allTypes = (elements: readonly { isTypeOnly: boolean }[]): boolean =>
  elements.length > 0 && elements.every((element) => element.isTypeOnly);

/** `process.env`, `process['env']`, `{ env } = process` and `import { env } from 'node:process'`. */
function touchesEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return isProcess(node.expression) && ts.isStringLiteralLike(key) && key.text === 'env';
  }
  if (ts.isVariableDeclaration(node)) {
    return !!node.initializer && isProcess(node.initializer) && ts.isObjectBindingPattern(node.name);
  }
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return false;
  const named = node.importClause?.namedBindings;
  return (
    /^(node:)?process$/.test(node.moduleSpecifier.text) &&
    !!named &&
    ts.isNamedImports(named) &&
    named.elements.some((element) => (element.propertyName ?? element.name).text === 'env')
  );
}

function isProcess(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return node.text === 'process';
  return ts.isPropertyAccessExpression(node) && node.name.text === 'process';
}
