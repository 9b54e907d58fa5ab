import { randomInt } from 'node:crypto';

/** No needle is longer. */
export const NEEDLE_MAX_CHARS = 256;

/** Characters of needles taken in between two yields of a build. */
const CHARS_PER_STEP = 2_048;
const ASCII = 128;
const MULTIPLIER_BOUND = 2 ** 31;
/** Random and odd: a caller cannot choose needles whose places in the table collide. */
const BY_STATE = randomInt(MULTIPLIER_BOUND) * 2 + 1;
const BY_CHAR = randomInt(MULTIPLIER_BOUND) * 2 + 1;
const ROOT = 0;

/** A part of a text that needles cover; what overlaps or touches is one range. */
export type Range = [start: number, end: number];

/**
 * Finds any of many needles in one pass over a text, by the algorithm of Aho and Corasick (Efficient string
 * matching, 1975). A search takes at most two steps for a character, whatever the needles and the text; a
 * build takes time and memory linear in the characters of all needles, about 25 bytes for each.
 */
export class NeedleAutomaton {
  /** Child states by parent and character, in an open hash table. 0: free. */
  private readonly slots: Int32Array;
  private readonly mask: number;
  private readonly parent: Int32Array;
  private readonly label: Uint16Array;
  /** State of the longest proper suffix that is the beginning of a needle. */
  private readonly fail: Int32Array;
  /** Length of the longest needle that ends in a state; 0: none does. */
  private readonly found: Uint16Array;
  /** Length of the longest suffix that a longer needle begins with. */
  private readonly pending: Uint16Array;
  /** Successors of the root, where most characters of most texts lead. */
  private readonly first = new Int32Array(ASCII);
  private states = 1;

  private constructor(chars: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * chars + 2));
    this.slots = new Int32Array(slots);
    this.mask = slots - 1;
    this.parent = new Int32Array(chars + 1);
    this.label = new Uint16Array(chars + 1);
    this.fail = new Int32Array(chars + 1);
    this.found = new Uint16Array(chars + 1);
    this.pending = new Uint16Array(chars + 1);
  }

  /**
   * Builds in steps of less than a millisecond, with a yield after each.
   * @param needles of 1 to {@link NEEDLE_MAX_CHARS} characters; an empty list finds nothing
   */
  static *build(needles: readonly string[]): Generator<void, NeedleAutomaton> {
    const chars = needles.reduce((sum, { length }) => sum + length, 0);
    const automaton = new NeedleAutomaton(chars);
    let taken = 0;
    for (const needle of needles) {
      automaton.add(needle);
      taken += needle.length;
      if (taken < CHARS_PER_STEP) continue;
      taken = 0;
      yield;
    }
    yield* automaton.link();
    return automaton;
  }

  get isEmpty(): boolean {
    return this.states === 1;
  }

  search(): Search {
    return new Search(this);
  }

  /**
   * Reads `text` from `state` on and adds what it finds to `ranges`; `offset` is the position of its first
   * character. Returns the state after it, and how many steps that took.
   */
  read(text: string, state: number, offset: number, ranges: Range[]): { state: number; steps: number } {
    const { found, fail, first } = this;
    let steps = 0;
    let at = state;
    for (let i = 0; i < text.length; i += 1) {
      const char = text.charCodeAt(i);
      let next = 0;
      while (at !== ROOT && (next = this.child(at, char)) === ROOT) {
        at = fail[at] as number;
        steps += 1;
      }
      at = at !== ROOT ? next : char < ASCII ? (first[char] as number) : this.child(ROOT, char);
      steps += 1;
      const length = found[at] as number;
      if (length > 0) cover(ranges, offset + i + 1 - length, offset + i + 1);
    }
    return { state: at, steps };
  }

  /** How many of the last characters a needle may still begin with. */
  pendingIn(state: number): number {
    return this.pending[state] as number;
  }

  private child(state: number, char: number): number {
    const { slots, mask, parent, label } = this;
    for (let slot = hashOf(state, char) & mask; ; slot = (slot + 1) & mask) {
      const child = slots[slot] as number;
      if (child === 0 || (parent[child] === state && label[child] === char)) return child;
    }
  }

  private add(needle: string): void {
    let state = ROOT;
    for (let i = 0; i < needle.length; i += 1) {
      const char = needle.charCodeAt(i);
      // Any length but 0 will do until the states are linked.
      this.pending[state] = 1;
      state = this.child(state, char) || this.grow(state, char);
    }
    this.found[state] = needle.length;
  }

  private grow(parent: number, char: number): number {
    const state = this.states;
    this.states += 1;
    this.parent[state] = parent;
    this.label[state] = char;
    let slot = hashOf(parent, char) & this.mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
    this.slots[slot] = state;
    if (parent === ROOT && char < ASCII) this.first[char] = state;
    return state;
  }

  /** Finds the suffixes of all states, those of shorter ones first. */
  private *link(): Generator<void, void> {
    const { parent, label, fail, found, pending } = this;
    const { order, depth } = this.byDepth();
    pending[ROOT] = 0;
    for (const [index, state] of order.entries()) {
      const above = parent[state] as number;
      const char = label[state] as number;
      let suffix = fail[above] as number;
      while (suffix !== ROOT && this.child(suffix, char) === ROOT) suffix = fail[suffix] as number;
      suffix = above === ROOT ? ROOT : this.child(suffix, char);
      fail[state] = suffix;
      if (found[state] === 0) found[state] = found[suffix] as number;
      pending[state] = pending[state] === 0 ? (pending[suffix] as number) : (depth[state] as number);
      if (index % CHARS_PER_STEP === CHARS_PER_STEP - 1) yield;
    }
  }

  /** All states but the root, by the length of what leads to them: a state comes after its parent. */
  private byDepth(): { order: Int32Array; depth: Uint16Array } {
    const depth = new Uint16Array(this.states);
    const starts = new Int32Array(NEEDLE_MAX_CHARS + 2);
    for (let state = 1; state < this.states; state += 1) {
      const own = (depth[this.parent[state] as number] as number) + 1;
      depth[state] = own;
      starts[own + 1] = (starts[own + 1] as number) + 1;
    }
    for (let at = 1; at < starts.length; at += 1)
      starts[at] = (starts[at] as number) + (starts[at - 1] as number);
    const order = new Int32Array(this.states - 1);
    for (let state = 1; state < this.states; state += 1) {
      const own = depth[state] as number;
      order[starts[own] as number] = state;
      starts[own] = (starts[own] as number) + 1;
    }
    return { order, depth };
  }
}

/** One search in one text that comes in parts. Positions count from its beginning. */
export class Search {
  /** What was found and not taken away, in order. */
  readonly ranges: Range[] = [];
  /** Characters read so far. */
  length = 0;
  /** Steps of the automaton so far. */
  steps = 0;
  private state = ROOT;

  constructor(private readonly automaton: NeedleAutomaton) {}

  /** From here to its end the text may be the beginning of a needle; its length where it is not. */
  get open(): number {
    return this.length - this.automaton.pendingIn(this.state);
  }

  read(text: string): void {
    const { state, steps } = this.automaton.read(text, this.state, this.length, this.ranges);
    this.state = state;
    this.steps += steps;
    this.length += text.length;
  }
}

/** Ends never decrease, so that only the last ranges can meet a new one. */
function cover(ranges: Range[], start: number, end: number): void {
  let from = start;
  for (let last = ranges.at(-1); last !== undefined && last[1] >= from; last = ranges.at(-1)) {
    if (last[0] <= from) {
      last[1] = end;
      return;
    }
    ranges.pop();
  }
  ranges.push([from, end]);
}

const hashOf = (state: number, char: number): number => {
  const mixed = Math.imul(state, BY_STATE) ^ Math.imul(char + 1, BY_CHAR);
  return mixed ^ (mixed >>> 15);
};
