import { NeedleTable } from './needle-table.js';
import { formsOf } from './secret-forms.js';

type Ranges = readonly (readonly [start: number, end: number])[];

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';
/** So much of the beginning of a secret at the end of a text counts as the secret, which something cut there. */
const CUT_MIN_CHARS = 8;

/** What is nested deeper is not looked through, and not shown. */
const MAX_DEPTH = 500;

/** Replaces secrets, in whatever form they show, by {@link REDACTED}. Cheap where there are none. */
export class Redactor {
  private readonly table: NeedleTable;
  /** Whether a number could show a secret. */
  private readonly numeric: boolean;

  /** @param secrets values; those of fewer than four characters are not looked for */
  constructor(secrets: readonly string[]) {
    const forms = [...new Set(secrets)].flatMap(formsOf);
    this.table = new NeedleTable(forms);
    this.numeric = forms.some((form) => /^[-+.\de]+$/.test(form));
  }

  get isEmpty(): boolean {
    return this.table.isEmpty;
  }

  /** A whole text, which may have been cut at its end. */
  text(text: string): string {
    const found = this.table.find(text);
    const clean = found.ranges.length === 0 && text.length - found.open < CUT_MIN_CHARS;
    return clean ? text : new RedactedStream(this.table).end(text);
  }

  /** A JSON value with all its texts and keys. A number that shows a secret becomes a text. */
  value<T>(value: T): T {
    return this.isEmpty ? value : (this.within(value, 0) as T);
  }

  private within(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return this.number(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === MAX_DEPTH) return REDACTED;
    if (Array.isArray(value)) return value.map((item) => this.within(item, depth + 1));
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, item]) => [this.text(key), this.within(item, depth + 1)]));
  }

  private number(value: number): number | string {
    if (!this.numeric) return value;
    const text = this.text(`${value}`);
    return text.includes(REDACTED) ? text : value;
  }

  /** For one text that comes in parts. */
  stream(): RedactedStream {
    return new RedactedStream(this.table);
  }
}

/**
 * Redacts a text that comes in parts, wherever it was cut: what may be the beginning of a secret is held
 * back until more comes, nothing else is.
 */
export class RedactedStream {
  private held = '';
  /** So many characters of what is held are covered by a mark that is out already; -1: none is just before it. */
  private covered = -1;

  constructor(private readonly table: NeedleTable) {}

  get holds(): boolean {
    return this.held !== '';
  }

  /** What can be told now. */
  write(text: string): string {
    if (this.table.isEmpty) return text;
    const all = this.held + text;
    const { ranges, open } = this.table.find(all);
    return this.tell(all, ranges, open);
  }

  /** What can be told now, and the rest with it. */
  end(text = ''): string {
    const told = this.write(text);
    const { held } = this;
    const ranges: Ranges = held.length < CUT_MIN_CHARS ? this.table.find(held).ranges : [[0, held.length]];
    return told + this.tell(held, ranges, held.length);
  }

  /** Tells `all` up to `limit` and holds the rest. */
  private tell(all: string, ranges: Ranges, limit: number): string {
    let at = Math.max(0, this.covered);
    let marked = this.covered >= 0;
    let told = '';
    for (const [start, end] of ranges) {
      if (start >= limit) break;
      if (start > at || !marked) told += all.slice(at, start) + REDACTED;
      at = Math.max(at, end);
      marked = true;
    }
    if (at < limit) {
      told += all.slice(at, limit);
      at = limit;
      marked = false;
    }
    this.held = all.slice(limit);
    this.covered = marked ? at - limit : -1;
    return told;
  }
}
