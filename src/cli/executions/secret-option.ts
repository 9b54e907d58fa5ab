import { CommandError, EXIT } from '../output/exit.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Splits the `name=value` of an option at the first equals sign; a `name` alone has the value of that environment
 * variable, so that it is not in the history of the shell.
 * @throws {CommandError} that does not show the value.
 */
export function parseNamed(
  option: string,
  argument: string,
  env: Environment,
): [name: string, value: string] {
  const at = argument.indexOf('=');
  if (at > 0) return [argument.slice(0, at), argument.slice(at + 1)];
  const value = at < 0 ? env[argument] : undefined;
  if (value !== undefined) return [argument, value];
  throw new CommandError(
    EXIT.usage,
    `${option}: must have the form name=value, or be the name of an environment variable that is set`,
  );
}

/** The value of --secret. @throws {CommandError} that does not show it. */
export const parseSecret = (argument: string, env: Environment = {}): [name: string, value: string] =>
  parseNamed('--secret', argument, env);
