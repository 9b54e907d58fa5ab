/**
 * Imports of names from CommonJS packages, as bundlers make them work: Node finds only the names that it can
 * see without running the package, which of lodash are none.
 */

/** Virtual module between a workspace module and a package; the query says which. */
export const NAMES_SPECIFIER = 'bifrost:names';

/** As the compiler prints them; more is not needed, since what is not found is left to Node. */
const NAMED = /^(?:import|export)\s+(?:[\w$]+\s*,\s*)?\{([^}]*)\}\s*from\s*"([^"\\]+)"/gm;
const WHOLE = /^(?:import|export)\s+(?:[\w$]+\s*,\s*)?\*[^"]*from\s*"([^"\\]+)"/gm;
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** Names by specifier that a compiled module imports or passes on; none of a specifier that it takes as a whole. */
export function namedImports(source: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, Set<string>>();
  for (const [, list = '', specifier = ''] of source.matchAll(NAMED)) {
    const known = names.get(specifier) ?? new Set();
    for (const part of list.split(',')) {
      const name = part.trim().split(/\s+as\s+/)[0] as string;
      if (NAME.test(name)) known.add(name);
    }
    names.set(specifier, known);
  }
  for (const [, specifier = ''] of source.matchAll(WHOLE)) names.delete(specifier);
  return new Map(
    [...names].flatMap(([specifier, known]) => {
      known.delete('default');
      return known.size === 0 ? [] : [[specifier, [...known]] as const];
    }),
  );
}

/** URL of the module that gives these names of a package's module. */
export const namesUrl = (url: string, specifier: string, names: readonly string[]): string =>
  `${NAMES_SPECIFIER}?${new URLSearchParams({ url, specifier, names: names.join(',') }).toString()}`;

/** Source of the module of that URL: the package is evaluated in its turn, and then has the names or not. */
export function namesModule(url: string): string {
  const query = new URLSearchParams(url.slice(NAMES_SPECIFIER.length + 1));
  const names = (query.get('names') as string).split(',');
  const missing = `The requested module '${query.get('specifier')}' does not provide an export named '`;
  const bindings = names.map((name, at) => `const n${at} = take(${JSON.stringify(name)});`);
  const exported = names.map((name, at) => `n${at} as ${JSON.stringify(name)}`);
  return `import * as found from ${JSON.stringify(query.get('url'))};
const whole = found['module.exports'] ?? found;
const take = (name) => {
  if (name in found) return found[name];
  if (name in Object(whole)) return whole[name];
  throw new SyntaxError(${JSON.stringify(missing)} + name + "'");
};
${bindings.join('\n')}
const all = found.default;
export { all as default, ${exported.join(', ')} };
`;
}
