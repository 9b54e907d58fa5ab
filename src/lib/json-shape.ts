const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** How deep a JSON text is nested, and how many properties its objects have together. */
export interface JsonShape {
  depth: number;
  keys: number;
}

/**
 * The shape of a JSON text from `start` on, without parsing it: one pass, no recursion. Of what is no JSON it
 * says something, too.
 */
export function shapeOfJson(json: string, start = 0): JsonShape {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  for (let at = start; at < json.length; at += 1) {
    const char = json.charCodeAt(at);
    if (char === QUOTE) at = endOfText(json, at);
    else if (char === COLON) keys += 1;
    // [ and {, which differ in one bit; then ] and }.
    else if ((char | 0x20) === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if ((char | 0x20) === 0x7d) depth -= 1;
  }
  return { depth: deepest, keys };
}

/** Position of the quote that ends the text which begins at `start`; the end of all where none does. */
function endOfText(json: string, start: number): number {
  for (let at = start; ;) {
    at = json.indexOf('"', at + 1);
    if (at < 0) return json.length;
    let before = at - 1;
    while (json.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
}

/**
 * The shape of a parsed JSON value, without recursion. Not finished once it is beyond `limits`: what it then
 * says is more than they allow.
 */
export function shapeOfValue(value: unknown, limits: JsonShape): JsonShape {
  let level: unknown[] = [value];
  let depth = 0;
  let keys = 0;
  for (;;) {
    const next: unknown[] = [];
    let isNested = false;
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      isNested = true;
      const isList = Array.isArray(item);
      const items: unknown[] = isList ? item : Object.values(item);
      if (!isList) keys += items.length;
      for (const inner of items) if (typeof inner === 'object' && inner !== null) next.push(inner);
    }
    if (!isNested) return { depth, keys };
    depth += 1;
    if (depth > limits.depth || keys > limits.keys) return { depth, keys };
    level = next;
  }
}
