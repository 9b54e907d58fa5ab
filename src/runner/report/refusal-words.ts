/**
 * What isolation refuses, in words of the worker's operator: Node names flags of its own, which no author or
 * operator of code here can set. Only Node's own sentences are replaced.
 */

const BY_FLAG: Readonly<Record<string, string>> = {
  'fs-read':
    'Code reads the files of its packages and of its scratch folder, which is os.tmpdir(); the isolation refuses every other file. The workspace is on no disk: its modules are imported, not read.',
  'fs-write':
    'Code writes files in its scratch folder, which is os.tmpdir() and the current folder; the isolation refuses every other place.',
  net: 'This execution has no network: the setting NETWORK of the worker allows it, and an execution may ask for less.',
  'child-process': 'The isolation lets code start no other program.',
  worker: 'The isolation lets code start no threads.',
  addons: 'Code loads native add-ons only where the setting NATIVE_ADDONS of the worker is on.',
  inspector: 'Code cannot look into its runner.',
  ffi: 'Code cannot call native libraries.',
  wasi: 'The isolation refuses WASI.',
};

const HINT = /Use --allow-([a-z-]+) to manage permissions\./g;

/** The same text with our reason in place of each hint of Node's. */
export const explainRefusal = (text: string): string =>
  text.includes('Use --allow-')
    ? text.replace(HINT, (hint, flag: string) =>
        Object.hasOwn(BY_FLAG, flag) ? (BY_FLAG[flag] as string) : hint,
      )
    : text;
