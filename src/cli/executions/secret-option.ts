import { CommandError, EXIT } from '../output/exit.js';

/** Splits the `name=value` of --secret at the first equals sign. @throws {CommandError} that does not show the value. */
export function parseSecret(argument: string): [name: string, value: string] {
  const at = argument.indexOf('=');
  if (at > 0) return [argument.slice(0, at), argument.slice(at + 1)];
  throw new CommandError(EXIT.usage, '--secret: must have the form name=value');
}
