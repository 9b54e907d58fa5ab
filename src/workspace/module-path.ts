/** Longest path of a workspace module, in UTF-8 bytes; file systems hold no longer ones, and `pull` writes files. */
export const PATH_LIMIT_BYTES = 512;

/** Where inline code appears to lie: in the root of the workspace, so that it imports `./lib/x`. No module may have this path. */
export const INLINE_PATH = 'inline-code.ts';

/** A path cannot name a workspace module; `message` says why. */
export class ModulePathError extends Error {
  override name = 'ModulePathError';
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * The one spelling of a module's path: relative to the root, `/` between segments, no `.` or `..`,
 * Unicode in composed form (NFC).
 * @throws {ModulePathError} when it is absolute, leaves the root, or cannot be a file name everywhere.
 */
export function normalizeModulePath(path: string): string {
  const composed = path.normalize('NFC');
  const refusal = refusalOf(composed);
  if (refusal) throw new ModulePathError(`${JSON.stringify(path)} ${refusal}`);
  const segments = joinSegments([], composed);
  if (!segments) throw new ModulePathError(`${JSON.stringify(path)} leaves the workspace`);
  const normal = segments.join('/');
  if (normal === '') throw new ModulePathError(`${JSON.stringify(path)} names no file`);
  if (normal === INLINE_PATH) throw new ModulePathError(`"${path}" is reserved for inline code`);
  return normal;
}

/**
 * Applies a relative path to a folder, both as segments.
 * @returns the segments from the root, or null when it climbs out of it.
 */
export function joinSegments(folder: readonly string[], relative: string): string[] | null {
  const segments = [...folder];
  for (const segment of relative.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return null;
  }
  return segments;
}

function refusalOf(path: string): string | null {
  if (path === '') return 'is empty';
  if (Buffer.byteLength(path) > PATH_LIMIT_BYTES) return `is longer than ${PATH_LIMIT_BYTES} bytes`;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute: name it from the workspace root';
  if (path.includes('\\')) return 'holds a backslash: use "/"';
  if (CONTROL.test(path)) return 'holds a control character';
  if (!path.isWellFormed()) return 'is no valid Unicode';
  if (path.split('/').includes('')) return 'has an empty segment';
  if (path.split('/').includes('node_modules'))
    return 'lies in node_modules: packages come from the package set';
  return null;
}
