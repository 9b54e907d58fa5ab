import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { count } from '../text/format.js';
import { Button } from './basics.js';
import { UserText } from './text.js';

/** Lines that are shown before a person asks for all. */
const SHORT = 200;
/** Characters that are shown at most: a value may be large. */
const MOST_CHARS = 500_000;

/** A value as JSON, of any size. */
export function JsonView({ value, label }: { value: unknown; label: string }): JSX.Element {
  const [isLong, setLong] = useState(false);
  const text = useMemo(() => JSON.stringify(value, null, 2) ?? 'undefined', [value]);
  const lines = useMemo(() => text.slice(0, MOST_CHARS).split('\n'), [text]);
  const shown = isLong ? lines : lines.slice(0, SHORT);
  return (
    <div class="json" role="group" aria-label={label}>
      <pre tabIndex={0}>
        {shown.map((line, index) => (
          <JsonLine line={line} key={index} />
        ))}
      </pre>
      {lines.length > shown.length && (
        <Button kind="quiet" onClick={() => setLong(true)}>
          Show all {count(lines.length)} lines
        </Button>
      )}
      {text.length > MOST_CHARS && (
        <p class="note">The rest, {count(text.length - MOST_CHARS)} characters, is left out.</p>
      )}
    </div>
  );
}

const LINE = /^(\s*)("(?:[^"\\]|\\.)*")(: )(.*)$/s;

/** One line of indented JSON: its key, and its value in the colour of its type. */
function JsonLine({ line }: { line: string }): JSX.Element {
  const [, indent, key, colon, value] = LINE.exec(line) ?? [];
  if (key === undefined)
    return (
      <span class={`json-line ${kindOf(line.trim())}`}>
        <UserText text={line} />
        {'\n'}
      </span>
    );
  return (
    <span class="json-line">
      {indent}
      <span class="json-key">
        <UserText text={key} />
      </span>
      {colon}
      <span class={kindOf(value ?? '')}>
        <UserText text={value ?? ''} />
      </span>
      {'\n'}
    </span>
  );
}

function kindOf(value: string): string {
  if (value.startsWith('"')) return 'json-string';
  return /^[-\d]|^(true|false|null)/.test(value) ? 'json-number' : '';
}
