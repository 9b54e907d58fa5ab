import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A block of commands of a page, with what the page says comes of it. */
export interface Step {
  /** Page and line. */
  where: string;
  /** The heading of the second or third level above it; empty: there is none. */
  section: string;
  commands: string[];
  /** Exit code of the last command that the page promises. */
  exitCode: number;
  /** What is printed, as the page shows it; undefined: it promises only that it works. */
  output?: { format: 'json' | 'text'; text: string };
  /** Why it cannot run in a test. */
  notRun?: string;
  /** A command that must succeed for it to be run. */
  needs?: string;
  /** Makes what the page takes for granted; readers never see it, and it does not count. */
  isHidden: boolean;
}

type Marks = Partial<Record<'exits' | 'not run' | 'needs', string>>;

/**
 * The commands of a page, in its order. Conventions:
 * - a block of `sh` is run, line after line, and each command must end with 0;
 * - a block of `text` or `json` with `output` after its language is what the block before it prints: `…` stands for
 *   anything, text may have further lines around those shown, JSON further fields;
 * - `<!-- exits: 1 -->` before a block is the exit code of its last command;
 * - `<!-- not run: why -->` before a block leaves it out, `<!-- needs: command -->` where the command fails;
 * - a comment that begins with `<!-- setup` holds commands that are run and not shown.
 */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  const source = readFileSync(join(ROOT, page), 'utf8');
  const pattern =
    /^<!-- (?<mark>exits|not run|needs): (?<value>.*?) -->$|^<!-- setup\n(?<setup>[\s\S]*?)\n-->$|^```(?<info>[^\n]*)\n(?<body>[\s\S]*?)^```$|^#{2,3} (?<heading>.*)$/gm;
  let section = '';
  let marks: Marks = {};
  for (const { groups = {}, index } of source.matchAll(pattern)) {
    const { mark, value = '', setup, info = '', body = '', heading } = groups;
    if (heading !== undefined) {
      section = heading;
      continue;
    }
    if (mark !== undefined) {
      marks[mark as keyof Marks] = value;
      continue;
    }
    const where = `${page}:${source.slice(0, index).split('\n').length}`;
    const [language, use] = info.split(' ');
    if (setup !== undefined || language === 'sh') {
      steps.push({
        where,
        section,
        commands: splitCommands(setup ?? body),
        exitCode: Number(marks.exits ?? 0),
        isHidden: setup !== undefined,
        ...(marks['not run'] === undefined ? {} : { notRun: marks['not run'] }),
        ...(marks.needs === undefined ? {} : { needs: marks.needs }),
      });
    } else if (use === 'output') {
      const step = steps.at(-1);
      if (!step || step.output) throw new Error(`${where}: there are no commands before this output`);
      step.output = { format: language === 'json' ? 'json' : 'text', text: body };
    }
    marks = {};
  }
  return steps;
}

/** Commands of a shell, each with the lines that belong to it: quotes, here-documents, a backslash at the end. */
export function splitCommands(script: string): string[] {
  const commands: string[] = [];
  let pending: string[] = [];
  for (const line of script.split('\n')) {
    if (pending.length === 0 && /^\s*(#.*)?$/.test(line)) continue;
    pending.push(line);
    if (!isComplete(pending)) continue;
    commands.push(pending.join('\n'));
    pending = [];
  }
  if (pending.length > 0) throw new Error(`this command has no end: ${pending.join('\n')}`);
  return commands;
}

function isComplete(lines: readonly string[]): boolean {
  const text = lines.join('\n');
  const document = /<<-?\s*(['"]?)(\w+)\1/.exec(lines[0] ?? '');
  if (document) return lines.length > 1 && lines.at(-1)?.trim() === document[2];
  if (text.endsWith('\\')) return false;
  let quote = '';
  let bare = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (quote === '') {
      if (char === '#' && /(^|\s)$/.test(text.slice(0, at))) {
        at = text.indexOf('\n', at);
        if (at < 0) break;
        bare += '\n';
        continue;
      }
      if (char === '\\') at++;
      else if (char === "'" || char === '"') quote = char;
      else bare += char;
    } else if (char === quote) quote = '';
    else if (char === '\\' && quote === '"') at++;
  }
  const opens = bare.match(/(^|[;\n|]\s*)(for|while|until|if)\b/g)?.length ?? 0;
  const closes = bare.match(/(^|[;\n]\s*)(done|fi)\b/g)?.length ?? 0;
  return quote === '' && opens <= closes;
}
