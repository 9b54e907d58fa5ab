import { isBuiltin } from 'node:module';
import { SPECIFIER_LIMIT_CHARS } from '../boundary/module-protocol.js';
import { pathOfUrl } from '../boundary/workspace-url.js';
import { joinSegments } from './module-path.js';
import { PathMapping } from './tsconfig/path-mapping.js';

/**
 * What a specifier can mean:
 * - `builtin`: a module of Node. Nothing can take its place.
 * - `refused`: no module is ever loaded by such a name; `reason` completes the sentence "… is refused: ".
 * - `paths`: the first of `candidates` that exists in the generation. When none does, a `bare` name is a
 *   package and any other name is missing.
 */
export type Meaning =
  | { kind: 'builtin' }
  | { kind: 'refused'; reason: string }
  | { kind: 'paths'; candidates: string[]; bare: boolean };

/** Tried in this order after a name without extension, then in a folder of that name after `index`. */
const TRIED_EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'] as const;

/** TypeScript imports `./x.ts` by the name it has after compilation. */
const COMPILED_FROM: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};

/**
 * Says what `specifier` means in the workspace module `fromPath`; the same for `import` and `require`.
 * Pure: which of the candidates exists is for the caller to look up. Order of precedence and why:
 * docs/decisions/0003-module-names.md.
 * @param rootUrl URL of the workspace folder, with a slash at its end
 * @param fromPath normalized path of the importing module
 * @param mapping of the generation's tsconfig.json; none for what packages import
 */
export function interpret(
  specifier: string,
  fromPath: string,
  rootUrl: string,
  mapping: PathMapping = PathMapping.NONE,
): Meaning {
  if (isBuiltin(specifier) || specifier.startsWith('node:')) return { kind: 'builtin' };
  if (specifier === '') return refused('it is empty');
  if (specifier.length > SPECIFIER_LIMIT_CHARS) {
    return refused(`it is longer than ${SPECIFIER_LIMIT_CHARS} characters`);
  }
  if (isRelative(specifier)) {
    return within(fromPath.split('/').slice(0, -1), specifier, false);
  }
  if (specifier.startsWith('file:')) return fromFileUrl(specifier, rootUrl);
  const scheme = /^([a-z][a-z\d+.-]*):/i.exec(specifier)?.[1];
  if (scheme)
    return refused(`${scheme}: URLs are not loaded; import a workspace module, a package or a Node module`);
  if (specifier.includes('\\')) return refused('it holds a backslash');
  const mapped = mapping.targets(specifier).flatMap((path) => candidatesOf(path.normalize('NFC'), false));
  const unmapped = withoutMapping(specifier);
  if (mapped.length === 0) return unmapped;
  const direct = unmapped.kind === 'paths' ? unmapped.candidates : [];
  return { kind: 'paths', candidates: [...new Set([...mapped, ...direct])], bare: unmapped.kind === 'paths' };
}

/** Whether a tsconfig.json may say what `specifier` means: it is no relative name, URL or module of Node. */
export const isMappable = (specifier: string): boolean =>
  !isRelative(specifier) && !isBuiltin(specifier) && !/^[a-z][a-z\d+.-]*:/i.test(specifier);

const isRelative = (specifier: string): boolean => /^\.\.?(?:\/|$)/.test(specifier);

function withoutMapping(specifier: string): Meaning {
  if (specifier.startsWith('/'))
    return refused('absolute paths are not loaded; name it from the workspace root');
  if (specifier.startsWith('#'))
    return refused('a workspace has no "imports" map; "paths" of its tsconfig.json can lead there');
  return within([], specifier, true);
}

/** {@link interpret} for the module that an execution starts with: always a path from the root. */
export function entryCandidates(path: string): string[] {
  return candidatesOf(path, false);
}

/** The first candidate that exists. */
export function firstExisting(
  candidates: readonly string[],
  exists: (path: string) => boolean,
): string | null {
  return candidates.find(exists) ?? null;
}

const refused = (reason: string): Meaning => ({ kind: 'refused', reason });

function fromFileUrl(specifier: string, rootUrl: string): Meaning {
  // A URL may spell its path with dots or in capitals; this is how Node would read it.
  const url = URL.canParse(specifier) ? new URL(specifier) : null;
  const path = url && pathOfUrl(rootUrl, url.href);
  if (!path) return refused('it lies outside the workspace');
  return within([], path, false);
}

function within(folder: readonly string[], specifier: string, bare: boolean): Meaning {
  const segments = joinSegments(folder, specifier);
  if (!segments) return refused('it leaves the workspace');
  const asFolder = /(?:^|\/)\.{0,2}$/.test(specifier);
  return { kind: 'paths', candidates: candidatesOf(segments.join('/').normalize('NFC'), asFolder), bare };
}

function candidatesOf(path: string, asFolder: boolean): string[] {
  const indexes = TRIED_EXTENSIONS.map((extension) => `${path === '' ? '' : `${path}/`}index${extension}`);
  if (asFolder || path === '') return indexes;
  const extension = /\.[^./]+$/.exec(path)?.[0] ?? '';
  const stem = path.slice(0, path.length - extension.length);
  return [
    path,
    ...(COMPILED_FROM[extension] ?? []).map((original) => stem + original),
    ...TRIED_EXTENSIONS.map((tried) => path + tried),
    ...indexes,
  ];
}

/** The first of these paths that is there, with its hash; null: none is. */
export function refIn(
  map: ReadonlyMap<string, string>,
  paths: readonly string[],
): { path: string; hash: string } | null {
  const path = firstExisting(paths, (each) => map.has(each));
  return path === null ? null : { path, hash: map.get(path) as string };
}
