import { parseArgs } from 'node:util';

/** What the command line of a worker may say beside the environment, and wins over it. */
export interface WorkerArguments {
  id?: string | undefined;
  type?: string | undefined;
}

/**
 * Reads `--id w1 --type local`. `nest start` hands on its arguments in JSON quotes; those go first.
 * @throws {Error} naming an argument that is not known.
 */
export function workerArguments(args: readonly string[]): WorkerArguments {
  const { values } = parseArgs({
    args: args.map(unquote),
    options: { id: { type: 'string' }, type: { type: 'string' } },
  });
  return values;
}

function unquote(argument: string): string {
  if (!/^".*"$/s.test(argument)) return argument;
  try {
    return String(JSON.parse(argument));
  } catch {
    return argument;
  }
}
