import { atOnce, inTurns } from '../../lib/in-turns.js';
import { NeedleAutomaton, type Search } from './needle-automaton.js';
import { formsOf } from './secret-forms.js';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';
/** At least this much of the beginning of a secret, at the end of a text, counts as the secret: something cut it there. */
const CUT_MIN_CHARS = 8;

/** What is nested deeper is not looked through, and not shown. */
const MAX_DEPTH = 500;

/**
 * Characters of all forms of all secrets together. It bounds what a redactor costs: at the limit about
 * 25 MB of memory and half a second of CPU time, in turns of a few milliseconds.
 */
export const SECRET_FORMS_LIMIT_CHARS = 1_048_576;

/** The forms of the secrets have more characters than {@link SECRET_FORMS_LIMIT_CHARS}. */
export class TooManySecretsError extends Error {
  override name = 'TooManySecretsError';

  constructor() {
    super(`the forms of all secrets together have more than ${SECRET_FORMS_LIMIT_CHARS} characters`);
  }
}

/**
 * Replaces secrets, in whatever form they show, by {@link REDACTED}. Cheap where there are none; otherwise
 * it takes time linear in the text, whatever the secrets are.
 */
export class Redactor {
  private readonly automaton: NeedleAutomaton;
  /** Whether a number could show a secret. */
  private readonly numeric: boolean;

  /**
   * Keeps the event loop until it is done, which with few secrets is less than a millisecond.
   * @param secrets values; those of fewer than four characters are not looked for
   * @throws {TooManySecretsError}
   */
  constructor(secrets: readonly string[], parts: Parts = atOnce(partsOf(secrets))) {
    this.automaton = parts.automaton;
    this.numeric = parts.numeric;
  }

  /**
   * As the constructor, in turns of a few milliseconds: for secrets of which there may be many.
   * @throws {TooManySecretsError}
   */
  static prepare(secrets: readonly string[]): Promise<Redactor> {
    return inTurns(Redactor.build(secrets));
  }

  /** As the constructor, with yields in between. */
  static *build(secrets: readonly string[]): Generator<void, Redactor> {
    return new Redactor(secrets, yield* partsOf(secrets));
  }

  get isEmpty(): boolean {
    return this.automaton.isEmpty;
  }

  /** A whole text, which may have been cut at its end. */
  text(text: string): string {
    if (this.isEmpty) return text;
    const search = this.automaton.search();
    search.read(text);
    const clean = search.ranges.length === 0 && text.length - search.open < CUT_MIN_CHARS;
    return clean ? text : this.stream().end(text);
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
    const names = new Set<string>();
    const entries = Object.entries(value).map(([key, item]) => {
      const name = unusedName(this.text(key), names);
      return [name, this.within(item, depth + 1)] as const;
    });
    return Object.fromEntries(entries);
  }

  private number(value: number): number | string {
    if (!this.numeric) return value;
    const text = this.text(`${value}`);
    return text.includes(REDACTED) ? text : value;
  }

  /** For one text that comes in parts. */
  stream(): RedactedStream {
    return new RedactedStream(this.isEmpty ? null : this.automaton.search());
  }
}

/** Two keys of an object that show secrets stay two. */
function unusedName(name: string, used: Set<string>): string {
  let unused = name;
  for (let n = 2; used.has(unused); n++) unused = `${name} (${n})`;
  used.add(unused);
  return unused;
}

interface Parts {
  automaton: NeedleAutomaton;
  numeric: boolean;
}

function* partsOf(secrets: readonly string[]): Generator<void, Parts> {
  const needles: string[] = [];
  let chars = 0;
  for (const secret of new Set(secrets)) {
    for (const forms of formsOf(secret)) {
      for (const form of forms) chars += form.length;
      if (chars > SECRET_FORMS_LIMIT_CHARS) throw new TooManySecretsError();
      needles.push(...forms);
      yield;
    }
  }
  const automaton = yield* NeedleAutomaton.build(needles);
  return { automaton, numeric: needles.some((form) => /^[-+.\de]+$/.test(form)) };
}

/**
 * Redacts a text that comes in parts, wherever it was cut: what may be the beginning of a secret is held
 * back until more comes, nothing else is.
 */
export class RedactedStream {
  private held = '';
  /** Position up to which the text is out, or covered by a mark that is out. */
  private done = 0;
  /** A mark ends at `done`. */
  private marked = false;

  /** @param search null: there is nothing to look for */
  constructor(private readonly search: Search | null) {}

  get holds(): boolean {
    return this.held !== '';
  }

  /** What can be shown now. */
  write(text: string): string {
    const { search } = this;
    if (search === null) return text;
    search.read(text);
    return this.release(search, this.held + text, search.open);
  }

  /** What can be shown now, and the rest with it. */
  end(text = ''): string {
    const shown = this.write(text);
    const { search, held } = this;
    if (search === null || held === '') return shown;
    if (held.length >= CUT_MIN_CHARS) search.ranges.splice(0, Infinity, [search.open, search.length]);
    return shown + this.release(search, held, search.length);
  }

  /** Releases `all`, the end of the text, up to the position `limit` and holds the rest. */
  private release(search: Search, all: string, limit: number): string {
    const start = search.length - all.length;
    let shown = '';
    let taken = 0;
    for (const [from, to] of search.ranges) {
      if (from >= limit) break;
      if (from > this.done || !this.marked)
        shown += all.slice(Math.max(0, this.done - start), from - start) + REDACTED;
      this.done = Math.max(this.done, to);
      this.marked = true;
      taken += 1;
    }
    search.ranges.splice(0, taken);
    if (this.done < limit) {
      shown += all.slice(Math.max(0, this.done - start), limit - start);
      this.done = limit;
      this.marked = false;
    }
    this.held = all.slice(limit - start);
    return shown;
  }
}
