import { readFileSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const LIBRARY = /\s(\/\S+\.so(?:\.[\d.]+)?)$/;
/** Where the names of loaders and libraries begin; on most systems today links into /usr. */
const LIBRARY_ROOTS = ['/lib', '/lib64'];

/**
 * Arguments for bubblewrap that show the folders of the libraries which this very Node has loaded, under
 * the names by which they are found.
 */
export function libraryMounts(maps = readFileSync('/proc/self/maps', 'utf8')): string[] {
  const libraries = maps.split('\n').flatMap((line) => LIBRARY.exec(line)?.[1] ?? []);
  const folders = new Set(libraries.map((path) => dirname(path)));
  const links = LIBRARY_ROOTS.flatMap((root) => {
    const target = linkTarget(root);
    // The loader itself is named by /lib64, also where the libraries are in a folder below.
    if (root === '/lib64') folders.add(target === null ? root : resolve('/', target));
    return target === null ? [] : ['--symlink', target, root];
  });
  // Native code of packages looks for libraries when the runner has its own user already.
  const above = [...folders].flatMap(foldersAbove);
  const shown = [...folders, '/etc/ld.so.cache'].flatMap((path) => ['--ro-bind-try', path, path]);
  return [...above, ...shown, ...links];
}

/** Arguments for bubblewrap, which makes missing folders for its own user alone: the runner's has to pass through these. */
export function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === '/' ? [] : [...foldersAbove(above), '--perms', '0755', '--dir', above];
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
