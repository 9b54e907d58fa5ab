import { parseArgs } from 'node:util';
import { SettingsError } from './settings.js';

/** What the command line of a worker may say beside the environment, and wins over it. */
export interface WorkerArguments {
  id?: string | undefined;
  type?: string | undefined;
}

/**
 * Reads `--id w1 --type local`, or `-i w1 -t local`. `nest start` hands on its arguments in JSON quotes; those go first.
 * @throws {SettingsError} naming an argument that is not known.
 */
export function workerArguments(args: readonly string[]): WorkerArguments {
  try {
    const options = {
      id: { type: 'string', short: 'i' },
      type: { type: 'string', short: 't' },
    } as const;
    return parseArgs({ args: args.map(unquote), options }).values;
  } catch (error) {
    throw new SettingsError(
      `${(error as Error).message}\nA worker takes --id NAME (-i) and --type TEXT (-t); everything else is set by environment variables.`,
    );
  }
}

function unquote(argument: string): string {
  if (!/^".*"$/s.test(argument)) return argument;
  try {
    return String(JSON.parse(argument));
  } catch {
    return argument;
  }
}
