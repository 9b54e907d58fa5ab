import type { SourceFormat } from '../contract/runner-protocol.js';

/** A workspace module as the runner loads it. */
export interface CompiledModule {
  format: SourceFormat;
  /** JavaScript with an inline source map, or JSON text. */
  source: string;
  /** Everything the module names literally: imports, `import('…')`, `require('…')`, `require.resolve('…')`; no doubles. */
  specifiers: string[];
  /** The part of `specifiers` without which the module cannot be linked: `import` and `export … from`. */
  staticImports: string[];
  /** ESM that nevertheless calls a free `require`; it is imported from `bifrost:require`. */
  usesRequire: boolean;
}

/** Name under which compiled ESM refers to the `require` it lacks. */
export const REQUIRE_NAME = '__bifrost_require';

const COMMONJS_MARK =
  /(?<![.\w$])(?:require\s*\(|require\.(?:resolve|main|cache)\b|module\.exports\b|exports(?:\.[\w$]|\[)|__filename\b|__dirname\b)/;
const REQUIRE_CALL = /(?<![.\w$])require\s*(?:\(|\.\s*resolve\b)/;
const REQUIRE_LITERAL =
  /(?<![.\w$])(?:require|__bifrost_require)(?:\.resolve)?\(\s*(?:"((?:[^"\\\n]|\\.)+)"|'((?:[^'\\\n]|\\.)+)')/g;

/** Whether code without a trace of ESM is meant as CommonJS. */
export const looksLikeCommonJs = (code: string): boolean => COMMONJS_MARK.test(code);

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
