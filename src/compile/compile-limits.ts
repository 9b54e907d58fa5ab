import type { CompilerSettings } from '../config/slices.js';

/** Largest source that is compiled. */
export const SOURCE_LIMIT_BYTES = 2 * 1024 * 1024;

/** Modules that one source names literally. Each is looked for under several paths. */
export const SPECIFIERS_LIMIT = 2_000;

/** Compiled code with its source map is up to three times as long as what people write. */
const GROWTH = 8;

/** How long compiled code may be, in UTF-16 units, by the length of its source in the same. */
export const outputLimitChars = (
  { outputLimitBytes }: Pick<CompilerSettings, 'outputLimitBytes'>,
  sourceChars: number,
): number => outputLimitBytes + GROWTH * sourceChars;
