import { luaBytes, luaText, type ScriptArgument } from './lua-script.js';

/** A text that stands in arguments for one that is another each time, and the expression in Lua that has that. */
export type Gap = readonly [placeholder: string, lua: string];

/** Lua: a text as MessagePack, as it stands within what was packed. */
export const PACKED_TEXT = `
local function packedText(text)
  local n = #text
  if n < 32 then return string.char(160 + n) .. text end
  if n < 256 then return string.char(217, n) .. text end
  return string.char(218, math.floor(n / 256), n % 256) .. text
end
`;

/** What a short text begins with in MessagePack. */
const SHORT_TEXT = 0xa0;
const SHORT_LENGTH = 32;

/**
 * Lua: an argument of a script that is the same each time but for its gaps; to be used after {@link PACKED_TEXT}. What is sent with
 * each call are the gaps alone.
 * @param made the argument with placeholders, shorter than 32 bytes each, in its gaps: a text, or MessagePack in which each is a text of its own
 * @throws {RangeError} where a placeholder is only a part of a packed text
 */
export function luaTemplate(made: ScriptArgument | undefined, gaps: readonly Gap[]): string {
  const bytes = Buffer.isBuffer(made) ? made : Buffer.from(made === undefined ? '' : String(made));
  const isPacked = Buffer.isBuffer(made);
  const found = gaps
    .flatMap(([placeholder, lua]) => placesOf(bytes, placeholder).map((from) => ({ from, placeholder, lua })))
    .toSorted((a, b) => a.from - b.from);
  const parts: string[] = [];
  let done = 0;
  for (const { from, placeholder, lua } of found) {
    if (isPacked && bytes[from - 1] !== SHORT_TEXT + placeholder.length)
      throw new RangeError(`${placeholder} is no text of its own among what is packed`);
    parts.push(luaBytes(bytes.subarray(done, isPacked ? from - 1 : from)));
    parts.push(isPacked ? `packedText(${lua})` : lua);
    done = from + placeholder.length;
  }
  parts.push(luaBytes(bytes.subarray(done)));
  return parts.filter((part) => part !== EMPTY).join(' .. ') || EMPTY;
}

const EMPTY = luaText('');

function placesOf(bytes: Buffer, placeholder: string): number[] {
  if (placeholder.length >= SHORT_LENGTH)
    throw new RangeError(`${placeholder} is too long to stand for a text`);
  const places: number[] = [];
  for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder, at + 1)) places.push(at);
  return places;
}
