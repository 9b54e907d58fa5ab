/** Name under which compiled ESM refers to the `require` it lacks. */
export const REQUIRE_NAME = '__bifrost_require';

const REQUIRE_CALL = /(?<![.\w$])require\s*(?:\(|\.\s*resolve\b)/;
const REQUIRE_LITERAL =
  /(?<![.\w$])(?:require|__bifrost_require)(?:\.resolve)?\(\s*(?:"((?:[^"\\\n]|\\.)+)"|'((?:[^'\\\n]|\\.)+)')/g;

/** Whether code may call `require`; strings and locals of that name make it true as well. */
export const mayCallRequire = (code: string): boolean => REQUIRE_CALL.test(code);

/**
 * Literal arguments of `require()` and `require.resolve()` in compiled code. A call inside a string
 * or a comment is found too, which costs one look-up in vain.
 */
export function requiredSpecifiers(code: string): string[] {
  return [...code.matchAll(REQUIRE_LITERAL)].flatMap((match) => unescape(match[1] ?? match[2] ?? ''));
}

function unescape(literal: string): string[] {
  if (!literal.includes('\\')) return [literal];
  try {
    return [JSON.parse(`"${literal}"`) as string];
  } catch {
    return [];
  }
}

/** Offset of the literal by which compiled code imports or requires `specifier`; -1: there is none. */
export function offsetOfSpecifier(code: string, specifier: string): number {
  // esbuild prints double quotes unless the text holds some.
  const found = ['"', "'", '`']
    .map((quote) => code.search(importOf(quote + escapeRegExp(specifier) + quote)))
    .filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : -1;
}

const importOf = (literal: string): RegExp =>
  new RegExp(
    String.raw`(?<=\b(?:from|import)\s*|\b(?:import|require|__bifrost_require)(?:\.resolve)?\(\s*)${literal}`,
  );

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
