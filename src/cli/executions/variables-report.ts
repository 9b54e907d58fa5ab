import { basename } from 'node:path';
import type { ExecutionResult } from '../../contract/result.js';
import { plain } from '../output/output.js';

const MAX_SHOWN = 20;
const MAX_CHARS = 200;

/** What the code held when it failed, one variable a line; '' where nothing is known of it. */
export function variablesOf({ failure, variables }: ExecutionResult): string {
  const locals = failure?.evidence.locals ?? [];
  return [
    section('variables', variables),
    ...locals.map(({ file, line, function: name, variables: held }) =>
      section(`in ${plain(name)} (${plain(basename(file))}:${line})`, held),
    ),
  ].join('');
}

function section(title: string, variables: Readonly<Record<string, unknown>> = {}): string {
  const entries = Object.entries(variables);
  if (entries.length === 0) return '';
  const lines = entries.slice(0, MAX_SHOWN).map(([name, value]) => `  ${plain(name)} = ${shown(value)}`);
  const more = entries.length > MAX_SHOWN ? [`  and ${entries.length - MAX_SHOWN} more`] : [];
  return [`${title}:`, ...lines, ...more, ''].join('\n');
}

function shown(value: unknown): string {
  const text = plain(JSON.stringify(value) ?? 'null');
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`;
}
