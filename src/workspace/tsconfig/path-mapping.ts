import { joinSegments } from '../module-path.js';

/** How many substitutions of a pattern are tried, and how many patterns are read: each look-up costs Redis some. */
const SUBSTITUTIONS_LIMIT = 8;
const PATTERNS_LIMIT = 200;

interface Pattern {
  /** Before and after the `*`; `suffix` is null in a pattern without one, which is a whole name. */
  prefix: string;
  suffix: string | null;
  substitutions: string[];
}

/** A compiler option, and the folder that it is relative to, as segments from the root. */
export interface FromFolder<T> {
  folder: readonly string[];
  value: T;
}

/**
 * Where `paths` and `baseUrl` of a tsconfig.json lead the names of imports, as TypeScript has it
 * (https://www.typescriptlang.org/docs/handbook/modules/reference.html#paths): a whole name first, else the
 * pattern with the longest beginning, its substitutions in their order; then `baseUrl`.
 */
export class PathMapping {
  static readonly NONE = new PathMapping(undefined, undefined);

  private readonly patterns: readonly Pattern[];
  private readonly pathsFolder: readonly string[];
  private readonly base: readonly string[] | null;

  /** What is no `paths` or `baseUrl` says nothing. */
  constructor(paths: FromFolder<unknown> | undefined, baseUrl: FromFolder<unknown> | undefined) {
    this.base = typeof baseUrl?.value === 'string' ? joinSegments(baseUrl.folder, baseUrl.value) : null;
    this.patterns = patternsOf(paths?.value);
    this.pathsFolder = this.base ?? paths?.folder ?? [];
  }

  /** Paths from the root that `specifier` may mean, before what it means without a tsconfig. */
  targets(specifier: string): string[] {
    const mapped = this.substituted(specifier).map((path) => joinSegments(this.pathsFolder, path));
    const isPath = !/^[/#]/.test(specifier);
    const based = this.base && isPath ? [joinSegments(this.base, specifier)] : [];
    return [...mapped, ...based].flatMap((segments) => (segments === null ? [] : [segments.join('/')]));
  }

  private substituted(specifier: string): string[] {
    let best: Pattern | null = null;
    for (const pattern of this.patterns) {
      if (pattern.suffix === null && pattern.prefix === specifier) return pattern.substitutions;
      if (!matches(pattern, specifier)) continue;
      if (best === null || pattern.prefix.length > best.prefix.length) best = pattern;
    }
    if (best === null) return [];
    const { prefix, suffix } = best;
    const star = specifier.slice(prefix.length, specifier.length - (suffix as string).length);
    return best.substitutions.map((substitution) => substitution.replace('*', () => star));
  }
}

const matches = ({ prefix, suffix }: Pattern, specifier: string): boolean =>
  suffix !== null &&
  specifier.length >= prefix.length + suffix.length &&
  specifier.startsWith(prefix) &&
  specifier.endsWith(suffix);

function patternsOf(paths: unknown): Pattern[] {
  if (typeof paths !== 'object' || paths === null) return [];
  return Object.entries(paths)
    .slice(0, PATTERNS_LIMIT)
    .flatMap(([name, given]) => {
      const [prefix = '', suffix = null, ...more] = name.split('*');
      if (more.length > 0 || !Array.isArray(given)) return [];
      const substitutions = given.filter((each): each is string => typeof each === 'string');
      return [{ prefix, suffix, substitutions: substitutions.slice(0, SUBSTITUTIONS_LIMIT) }];
    });
}
