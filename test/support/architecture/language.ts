import ts from 'typescript';
import type { Violation } from './import-rule.js';

interface BannedWord {
  word: RegExp;
  instead: string;
}

/** Words that comments and texts do without, and what to write instead. */
const WORDS: readonly BannedWord[] = [
  {
    word: /\bwho(m|ever)?\b/i,
    instead: 'the program or the person: the worker, the caller, the client',
  },
  {
    word: /\b(no|some|any|every)body\b/i,
    instead: 'the actor: no worker, another program, every caller',
  },
  { word: /\bso (many|much|long)\b/i, instead: '"this many", "how many", "at most", "for this time"' },
  { word: /\bshall\b/i, instead: '"must", "may" or a plain statement' },
  { word: /\b(tells?|told)\b/i, instead: 'the exact verb: reports, sends, logs, shows, calls' },
  { word: /\b(hears?|heard)\b/i, instead: 'the exact verb: gets, receives, is notified' },
  {
    word: /\b(be|been|is|are|was|were) had\b/i,
    instead: '"is available", "can be installed", "can be read"',
  },
  { word: /(?<!\b(?:left|leaves?|leaving)\b.{0,40})\bbehind\b/is, instead: '"after"' },
  { word: /\bhas a date\b/i, instead: '"becomes stale"' },
];

/** Names that say less than a verb or noun of the field. */
const NAMES: readonly BannedWord[] = [
  { word: /^(letGo|carryOut|obey|insist)$/, instead: 'release, run, handle, retry' },
  { word: /^([Tt]ell|[Tt]old|[Hh]ear|[Hh]eard)(?![a-z])/, instead: 'emit, report, send, subscribe' },
  { word: /^(epitaph|deed)$/i, instead: 'exit, answer, outcome' },
  { word: /(nobody|somebody|whoever|everybody)/i, instead: 'a name for the actor' },
  {
    word: /^(Asked|Asking|Attached|Begun|Counted|Found|Freed|Judged|Left|Loaded|Noted|Prepared|Printed|Promised|Removed|Resolved|Served|Taken|Thrown|Told)$/,
    instead: 'a noun for the type',
  },
];

/**
 * Checks the comments, the texts and the declared names of sources for words that a native engineer of the
 * field would not write. Regular expressions and import specifiers are left out. A pure function of its argument.
 */
export function checkLanguage(sources: ReadonlyMap<string, string>): Violation[] {
  return [...sources].flatMap(([file, source]) =>
    readWords(file, source).flatMap(({ text, line, kind }) =>
      findBanned(text, kind === 'name' ? NAMES : WORDS).map((found) => ({
        file,
        line: line + found.linesBefore,
        message: `${kind} has "${found.word}": write ${found.instead}`,
      })),
    ),
  );
}

/** Checks documents, such as Markdown, for the same words as comments. A pure function of its argument. */
export function checkDocuments(documents: ReadonlyMap<string, string>): Violation[] {
  return [...documents].flatMap(([file, text]) =>
    findBanned(text, WORDS).map(({ word, instead, linesBefore }) => ({
      file,
      line: 1 + linesBefore,
      message: `has "${word}": write ${instead}`,
    })),
  );
}

const findBanned = (
  text: string,
  banned: readonly BannedWord[],
): { word: string; instead: string; linesBefore: number }[] =>
  banned.flatMap(({ word, instead }) =>
    [...text.matchAll(new RegExp(word, `g${word.flags}`))].map(({ 0: found, index }) => ({
      word: found,
      instead,
      linesBefore: text.slice(0, index).split('\n').length - 1,
    })),
  );

interface Words {
  text: string;
  line: number;
  kind: 'comment' | 'text' | 'name';
}

function readWords(path: string, source: string): Words[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2023, true);
  const lineOf = (position: number): number => file.getLineAndCharacterOfPosition(position).line + 1;
  const words = commentsOf(file, source).map(({ pos, end }): Words => ({
    text: source.slice(pos, end),
    line: lineOf(pos),
    kind: 'comment',
  }));
  const visit = (node: ts.Node): void => {
    const line = lineOf(node.getStart(file));
    if (isText(node)) words.push({ text: node.text, line, kind: 'text' });
    if (isDeclaredName(node)) words.push({ text: node.text, line, kind: 'name' });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return words;
}

/** The comments of a file, each once, in order. */
function commentsOf(file: ts.SourceFile, source: string): ts.CommentRange[] {
  const found = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const own = [
      ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
    ];
    for (const range of own) found.set(range.pos, range);
    // `getChildren` has the tokens too: a comment may stand before a closing brace.
    for (const child of node.getChildren(file)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(file);
  return [...found.values()].toSorted((a, b) => a.pos - b.pos);
}

function isText(node: ts.Node): node is ts.StringLiteralLike | ts.TemplateLiteralToken {
  const isModule = ts.isImportDeclaration(node.parent ?? node) || ts.isExportDeclaration(node.parent ?? node);
  return (
    !isModule &&
    (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
  );
}

/** An identifier where it is declared, not where it is used: a name is reported once. */
function isDeclaredName(node: ts.Node): node is ts.Identifier {
  if (!ts.isIdentifier(node)) return false;
  const { name } = node.parent as ts.NamedDeclaration;
  return name === node && !ts.isPropertyAccessExpression(node.parent) && !ts.isImportSpecifier(node.parent);
}
