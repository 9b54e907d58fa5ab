import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { execFileSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { factsOf } from './command-tree.js';
import { completion, listCommands } from './completion.js';
import { completionFor } from './shells.js';

const program = new Command('tool').option('--profile <name>', 'which one');
program
  .command('run')
  .description("it's run")
  .argument('[file]')
  .option('--json', 'as JSON')
  .option('-t, --timeout <s>');
const things = program.command('things');
things.command('list', { isDefault: true }).option('--all');
things.command('run').argument('<id>');
const facts = factsOf(program, { run: ['tool run x'], 'things list': ['tool things'] });

/** What bash offers for a command line, its last word being completed. */
function offered(...words: string[]): string[] {
  const script = `${completionFor('bash', facts)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tool; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  return output.split('\n').filter(Boolean);
}

describe('completion in bash', () => {
  it.each([
    [
      ['tool', ''],
      ['run', 'things', '--profile', '--help'],
    ],
    [['tool', 'r'], ['run']],
    [
      ['tool', 'run', '--'],
      ['--json', '--timeout', '--profile', '--help'],
    ],
    [
      ['tool', 'things', ''],
      ['list', 'run', '--profile', '--help'],
    ],
    [['tool', 'things', 'run', '--h'], ['--help']],
    [['tool', '--profile', 'things', 'run', '--j'], ['--json']],
    [['tool', 'run', 'things', '--j'], ['--json']],
    [['tool', 'run', '-t', '3', '--j'], ['--json']],
    [['tool', 'things', 'list', '--a'], ['--all']],
  ])('offers for %j what may come there', (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });
});

describe('completion', () => {
  it.each(['zsh', 'fish'] as const)('in %s has every command and option with what it does', (shell) => {
    const text = completionFor(shell, facts);
    for (const word of ['run', 'things', 'list', 'json', 'timeout', 'profile', 'all', `it'\\''s run`])
      expect(text).toContain(word);
  });

  it('names the shells that it knows', () => {
    expect(() => completion('csh', facts, { stdout: new PassThrough(), stderr: new PassThrough() })).toThrow(
      'must be one of bash, zsh, fish',
    );
  });
});

describe('the list of commands', () => {
  const listed = (options: { json?: boolean }): string => {
    const stdout = new PassThrough();
    listCommands(options, facts, { stdout, stderr: new PassThrough() });
    return String(stdout.read());
  };

  it('has one a line', () => {
    expect(listed({})).toBe("tool run [file]: it's run\ntool things list: \ntool things run <id>: \n");
  });

  it('has options and examples as JSON', () => {
    const [run] = (JSON.parse(listed({ json: true })) as typeof facts).commands;
    expect(run).toMatchObject({
      examples: ['tool run x'],
      options: [{ names: ['--json'] }, { names: ['--timeout', '-t'], takesValue: true }],
    });
  });
});
