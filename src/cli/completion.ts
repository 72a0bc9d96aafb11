import { RunbookError } from '../errors.js';
import { allCommands } from './all-commands.js';
import { type CommandRow, type FlagRow, flagNames, globalFlags, longName, takesValue } from './command-table.js';

const shells = ['bash', 'zsh', 'fish'] as const;

/** The completion script of a shell, made from the command table alone. Throws a usage error for another shell. */
export function completionScript(shell: string): string {
  switch (shell) {
    case 'bash':
      return bash(allCommands);
    case 'zsh':
      return zsh(allCommands);
    case 'fish':
      return fish(allCommands);
    default:
      throw new RunbookError('usage', `there are completions for ${shells.join(', ')}, not for ${shell}.`, {
        next: ['redis-runbook completion bash'],
      });
  }
}

const own: readonly FlagRow[] = [{ flags: '-h, --help', says: 'help' }];

function flagsOf(row: CommandRow): readonly FlagRow[] {
  return [...row.flags, ...globalFlags, ...own];
}

function wordsOf(row: CommandRow): string {
  const subs = row.subs?.map((sub) => sub.name) ?? (row.name === 'completion' ? shells : []);
  return [...subs, ...flagsOf(row).map(longName)].join(' ');
}

function everyFlag(rows: readonly CommandRow[]): readonly FlagRow[] {
  const all = rows.flatMap(flagsOf);
  return all.filter((row, index) => all.findIndex((other) => other.flags === row.flags) === index);
}

function bash(rows: readonly CommandRow[]): string {
  const valued = everyFlag(rows).filter(takesValue);
  const pattern = (wanted: (row: FlagRow) => boolean) => valued.filter(wanted).flatMap(flagNames).join('|');
  const fixed = valued.filter((row) => row.values !== undefined);
  return `# redis-runbook completion for bash:  source <(redis-runbook completion bash)
_redis_runbook() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= skip= word words
  COMPREPLY=()
  case $prev in
    ${pattern((row) => row.file === true)}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
${fixed.map((row) => `    ${flagNames(row).join('|')}) COMPREPLY=($(compgen -W '${row.values?.join(' ')}' -- "$cur")); return ;;`).join('\n')}
    ${pattern((row) => row.file !== true && row.values === undefined)}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ${pattern(() => true)}) skip=1 ;;
      -*) ;;
      *) command=$word; break ;;
    esac
  done
  case $command in
${rows.map((row) => `    ${row.name}) words='${wordsOf(row)}' ;;`).join('\n')}
    '') words='${[...rows.map((row) => row.name), 'help', ...globalFlags.map(longName), '--help', '--version'].join(' ')}' ;;
    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _redis_runbook redis-runbook
`;
}

function zsh(rows: readonly CommandRow[]): string {
  const value = (row: FlagRow) => {
    const kind = row.values === undefined ? (row.file ? '_files' : ' ') : `(${row.values.join(' ')})`;
    return takesValue(row) ? `:value:${kind}` : '';
  };
  const spec = (row: FlagRow) =>
    flagNames(row)
      .map((name) => `'${row.many ? '*' : ''}${name}[${quoted(row.says).replace(/[[\]]/g, '\\$&')}]${value(row)}'`)
      .join(' ');
  const subs = (row: CommandRow) => row.subs?.map((sub) => sub.name) ?? (row.name === 'completion' ? shells : []);
  const first = (row: CommandRow) =>
    subs(row).length === 0 ? "'1:argument:_files'" : `'1:word:(${subs(row).join(' ')})'`;
  return `#compdef redis-runbook
# redis-runbook completion for zsh:  source <(redis-runbook completion zsh)
_redis_runbook() {
  local -a words_first
  words_first=(
${rows.map((row) => `    '${row.name}:${quoted(row.says).replace(/:/g, '\\:')}'`).join('\n')}
    'help:all commands'
  )
  local command=\${words[(r)(${rows.map((row) => row.name).join('|')})]}
  case $command in
${rows.map((row) => `    ${row.name}) _arguments '*::command:->rest' && return; shift words; (( CURRENT-- )); _arguments ${first(row)} ${flagsOf(row).map(spec).join(' ')} ;;`).join('\n')}
    *) _describe command words_first; _arguments ${globalFlags.map(spec).join(' ')} ;;
  esac
}
compdef _redis_runbook redis-runbook
`;
}

function fish(rows: readonly CommandRow[]): string {
  const names = rows.map((row) => row.name).join(' ');
  const flag = (row: FlagRow) => {
    const short = flagNames(row).length > 1 ? ` -s ${flagNames(row)[0]?.slice(1)}` : '';
    const values = row.values === undefined ? '' : ` -a '${row.values.join(' ')}'`;
    const needs = takesValue(row) ? (row.file ? ' -r -F' : ` -x${values}`) : '';
    return `${short} -l ${longName(row).slice(2)}${needs} -d '${quoted(row.says)}'`;
  };
  const of = (row: CommandRow) => [
    `complete -c redis-runbook -f -n '__fish_use_subcommand' -a ${row.name} -d '${quoted(row.says)}'`,
    ...(row.subs ?? []).map(
      (sub) =>
        `complete -c redis-runbook -f -n '__fish_seen_subcommand_from ${row.name}' -a ${sub.name} -d '${quoted(sub.says)}'`,
    ),
    ...row.flags.map((each) => `complete -c redis-runbook -n '__fish_seen_subcommand_from ${row.name}'${flag(each)}`),
  ];
  return `# redis-runbook completion for fish:  redis-runbook completion fish | source
complete -c redis-runbook -f -n 'not __fish_seen_subcommand_from ${names}'
${rows.flatMap(of).join('\n')}
complete -c redis-runbook -f -n '__fish_seen_subcommand_from completion' -a '${shells.join(' ')}'
${[...globalFlags, ...own].map((row) => `complete -c redis-runbook${flag(row)}`).join('\n')}
`;
}

function quoted(text: string): string {
  return text.replace(/'/g, "'\\''");
}
