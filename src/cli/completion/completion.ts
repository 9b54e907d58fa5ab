import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output } from '../output/output.js';
import { allCommands, type CommandFacts } from './command-tree.js';
import { completionFor, type Shell, SHELLS } from './shells.js';

/**
 * `bifrost completion SHELL`: prints what that shell sources.
 * @throws {CommandError} for a shell that is not known
 */
export function completion(shell: string, facts: CommandFacts, { stdout }: Output): ExitCode {
  if (!SHELLS.includes(shell as Shell))
    throw new CommandError(EXIT.usage, `completion ${shell}: must be one of ${SHELLS.join(', ')}`);
  stdout.write(completionFor(shell as Shell, facts));
  return EXIT.succeeded;
}

/** `bifrost commands`: prints every command, with --json all that its help has. */
export function listCommands(
  { json }: { json?: boolean },
  facts: CommandFacts,
  { stdout }: Output,
): ExitCode {
  const lines = allCommands(facts)
    .filter((one) => one.facts.commands.length === 0)
    .map(({ path, facts: one }) => `${[facts.name, ...path, ...one.arguments].join(' ')}: ${one.about}\n`);
  stdout.write(json ? asJson(facts) : lines.join(''));
  return EXIT.succeeded;
}
