import { createRequire } from 'node:module';

/**
 * The native library of swc for this machine; null: there is none. Its package is the one for this platform, of
 * which npm installs that for the C library of the machine.
 */
export function swcPath(): string | null {
  const require = createRequire(import.meta.url);
  const from = createRequire(require.resolve('@swc/core/package.json'));
  const names = ['-gnu', '-musl', '-msvc', ''].map(
    (suffix) => `@swc/core-${process.platform}-${process.arch}${suffix}`,
  );
  for (const name of names) {
    try {
      return from.resolve(name);
    } catch {
      // Not the package of this platform.
    }
  }
  return null;
}
