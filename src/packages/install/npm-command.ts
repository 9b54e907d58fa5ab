import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** How npm is started: a program and the arguments that come before npm's own. */
export interface NpmCommand {
  command: string;
  prefix: readonly string[];
}

/** There is no npm on this machine; the message says where it was looked for and what helps. */
export class NpmMissingError extends Error {
  override name = 'NpmMissingError';
}

/**
 * Finds npm: beside Node itself, then on PATH. npm is run by our own Node wherever it is a script,
 * because npm prefers versions that fit the Node that runs it, and user code runs on ours.
 * @throws {NpmMissingError}
 */
export function findNpm(execPath: string, path: string): NpmCommand {
  const bin = dirname(execPath);
  const candidates = [
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, 'npm'),
    ...path
      .split(delimiter)
      .filter((folder) => folder !== '')
      .map((folder) => join(folder, 'npm')),
  ];
  for (const candidate of candidates) {
    const real = realFile(candidate);
    if (real?.endsWith('.js')) return { command: execPath, prefix: [real] };
    if (real !== null) return { command: real, prefix: [] };
  }
  throw new NpmMissingError(
    `npm was not found beside ${execPath} or on PATH; packages cannot be installed. Install npm (it comes with Node.js) and start again`,
  );
}

function realFile(path: string): string | null {
  try {
    const real = realpathSync(path);
    accessSync(real, real.endsWith('.js') ? constants.R_OK : constants.X_OK);
    return real;
  } catch {
    return null;
  }
}
