import type { Command } from 'commander';

/** An option as completion and documentation need it. */
export interface OptionFacts {
  /** `--json`, and `-i` where it has a short form. */
  names: string[];
  takesValue: boolean;
  about: string;
}

/** A command, and what is below it. */
export interface CommandFacts {
  name: string;
  about: string;
  /** Names of its arguments: `<file>`, `[id]`. */
  arguments: string[];
  options: OptionFacts[];
  examples: readonly string[];
  commands: CommandFacts[];
}

/** What there is, as it was defined. */
export function factsOf(command: Command, examples: Examples, path: readonly string[] = []): CommandFacts {
  return {
    name: command.name(),
    about: command.description(),
    arguments: command.registeredArguments.map((one) =>
      one.required ? `<${one.name()}>` : `[${one.name()}]`,
    ),
    options: command.options.map(({ long, short, description, required, optional }) => ({
      names: [long, short].filter((name) => name != null),
      takesValue: required || optional,
      about: description,
    })),
    examples: examples[path.join(' ')] ?? [],
    commands: command.commands.map((one) => factsOf(one, examples, [...path, one.name()])),
  };
}

/** Command lines by the path of their command: `workspace push`. */
export type Examples = Readonly<Record<string, readonly string[]>>;

/** Has the help of each command end with its examples. */
export function showExamples(command: Command, examples: Examples, path: readonly string[] = []): void {
  const own = examples[path.join(' ')] ?? [];
  if (own.length > 0)
    command.addHelpText('after', `\nExamples:\n${own.map((line) => `  ${line}`).join('\n')}`);
  for (const one of command.commands) showExamples(one, examples, [...path, one.name()]);
}

/** Every command with its path, those that have others below them included. */
export function allCommands(
  facts: CommandFacts,
  path: readonly string[] = [],
): { path: readonly string[]; facts: CommandFacts }[] {
  return [{ path, facts }, ...facts.commands.flatMap((one) => allCommands(one, [...path, one.name]))];
}
