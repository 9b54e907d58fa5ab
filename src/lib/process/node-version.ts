const OLDEST = 26;

/** Why a worker cannot run on this Node; null: it can. The command line runs on older ones. */
export function nodeTrouble(version: string): string | null {
  if (Number(/^v(\d+)\./.exec(version)?.[1]) >= OLDEST) return null;
  return `A worker needs Node ${OLDEST} or newer; this is ${version}. npm ci brings one: node_modules/.bin/node`;
}

/** Ends the process with exit code 78 where the Node of it is too old, before what only a newer one can load. */
export function requireNewNode(): void {
  const trouble = nodeTrouble(process.version);
  if (trouble === null) return;
  process.stderr.write(`${trouble}\n`);
  // Not only its code: what comes next would throw.
  process.exit(78);
}
