import { allCommands, type CommandFacts } from './command-tree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell sources to complete commands and options; it never calls the program. Arguments that are no command
 * are completed as files. A pure function of its arguments.
 */
export const completionFor = (shell: Shell, facts: CommandFacts): string => WRITERS[shell](facts);

const WRITERS: Readonly<Record<Shell, (facts: CommandFacts) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Options that take a value, since what follows one is no command. */
const valueOptions = (facts: CommandFacts): string[] => [
  ...new Set(
    allCommands(facts).flatMap((one) =>
      one.facts.options.flatMap(({ names, takesValue }) => (takesValue ? names : [])),
    ),
  ),
];

/** Options of a command and those of the program, which every command takes. */
const optionsAt = (root: CommandFacts, facts: CommandFacts): CommandFacts['options'] =>
  root === facts ? facts.options : [...facts.options, ...root.options.filter(({ takesValue }) => takesValue)];

const HELP = { names: ['--help'], takesValue: false, about: 'show what it does, with examples' };

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Shell code that leaves in `path` the words that are commands; shared by bash and zsh. */
const PATH_OF_WORDS = (program: string, facts: CommandFacts): string => `
  local word path='' skip=''
  for word in "\${words_before[@]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      ${valueOptions(facts).join('|')}) skip=yes ;;
      -*) ;;
      *)
        case "$path $word" in
          ${allCommands(facts)
            .slice(1)
            .map(({ path }) => quoted(` ${path.join(' ')}`))
            .join(' | ')}) path="$path $word" ;;
          *) break ;;
        esac ;;
    esac
  done
  # ${program}: commands and options at each of them`;

function bashCompletion(facts: CommandFacts): string {
  const cases = allCommands(facts).map(({ path, facts: at }) => {
    const words = [
      ...at.commands.map(({ name }) => name),
      ...[...optionsAt(facts, at), HELP].flatMap(({ names }) => names),
    ];
    const key = quoted(path.length === 0 ? '' : ` ${path.join(' ')}`);
    return `    ${key}) choices=${quoted(words.join(' '))} ;;`;
  });
  const { name } = facts;
  return `# ${name} completion bash >/etc/bash_completion.d/${name}, or: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} choices='' words_before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${PATH_OF_WORDS(name, facts)}
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
}

function zshCompletion(facts: CommandFacts): string {
  const described = (name: string, about: string): string =>
    quoted(`${name.replaceAll(':', '\\:')}:${about}`);
  const cases = allCommands(facts).map(({ path, facts: at }) => {
    const commands = at.commands.map((one) => described(one.name, one.about));
    const options = [...optionsAt(facts, at), HELP].flatMap(({ names, about }) =>
      names.map((one) => described(one, about)),
    );
    const key = quoted(path.length === 0 ? '' : ` ${path.join(' ')}`);
    return `    ${key}) commands=(${commands.join(' ')}); options=(${options.join(' ')}) ;;`;
  });
  const { name } = facts;
  return `#compdef ${name}
# ${name} completion zsh >"\${fpath[1]}/_${name}", or: source <(${name} completion zsh)
_${name}() {
  local -a commands options words_before
  words_before=("\${(@)words[2,CURRENT-1]}")
${PATH_OF_WORDS(name, facts)}
  case $path in
${cases.join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then _describe option options
  elif (( $#commands )); then _describe command commands
  else _files; fi
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fishCompletion(facts: CommandFacts): string {
  const { name } = facts;
  const at = (path: readonly string[]): string => `"__${name}_at ${quoted(path.join(' '))}"`;
  const known = allCommands(facts)
    .slice(1)
    .map(({ path }) => quoted(path.join(' ')))
    .join(' ');
  const lines = allCommands(facts).flatMap(({ path, facts: here }) => [
    ...here.commands.map(
      (one) => `complete -c ${name} -f -n ${at(path)} -a ${quoted(one.name)} -d ${quoted(one.about)}`,
    ),
    ...[...optionsAt(facts, here), HELP].map(({ names, takesValue, about }) => {
      const flags = names.map((one) =>
        one.startsWith('--') ? `-l ${quoted(one.slice(2))}` : `-s ${quoted(one.slice(1))}`,
      );
      return `complete -c ${name} -n ${at(path)} ${flags.join(' ')}${takesValue ? ' -r' : ''} -d ${quoted(about)}`;
    }),
  ]);
  return `# ${name} completion fish >~/.config/fish/completions/${name}.fish, or: ${name} completion fish | source
function __${name}_at
  set -l words (commandline -opc)
  set -l path ''
  set -l skip ''
  for word in $words[2..]
    if test -n "$skip"
      set skip ''
    else if contains -- $word ${valueOptions(facts).join(' ')}
      set skip yes
    else if not string match -q -- '-*' $word
      set -l next (string trim -- "$path $word")
      contains -- $next ${known}; or break
      set path $next
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}
