import { RunbookError } from '../errors.js';
import { nearest } from '../inventory/nearest.js';
import { allCommands } from './all-commands.js';
import { type CommandRow, type FlagRow, flagNames, globalFlags, type SubcommandRow } from './command-table.js';

const exitStatuses = `Exit status:
  0  done, healthy                      6  locked by another run
  1  unhealthy                          7  stopped, nothing changed
  2  wrong usage or fleet file          8  incomplete
  3  refused for safety                 9  outcome unknown
  4  could not see enough              10  serves, something is left to do
  5  the fleet changed since the plan  70  a mistake of the tool
  An unknown status counts as a failure.`;

const examples: Readonly<Record<string, string>> = {
  recover: `Examples:
  redis-runbook recover               look, show what is true, ask, repair
  redis-runbook recover --dry-run     the whole plan; changes nothing
  redis-runbook recover --yes         no question; never accepts a loss
  redis-runbook recover --promote pv2 --set-aside pv1 --reason "pv1 was cut off"
                                      the data has split: who wins, who is kept
  redis-runbook recover --accept-loss pv2 --reason "RDB only, 54 s are gone"
                                      the newest writes are on no disk
  redis-runbook recover ops@10.0.10.1 without a fleet.yaml: finds, shows, asks`,
  status: `Examples:
  redis-runbook status                the fleet of ./fleet.yaml
  redis-runbook status --why          the evidence for every sentence
  redis-runbook status --json         all of it, for scripts
  redis-runbook status ops@10.0.10.1  without a fleet.yaml: found from one machine`,
  audit: `Examples:
  redis-runbook audit                         the fleet of ./fleet.yaml, as it runs
  redis-runbook audit configs/ --target redis-7.2
                                              files, before they are deployed
  redis-runbook audit configs/ --confirm      copies of them also tried on a server of this machine
  redis-runbook audit --json > known.json     and later: audit --baseline known.json
  redis-runbook audit --list-rules            every rule; explain RULE prints its page`,
  doctor: `Examples:
  redis-runbook doctor                every host of the fleet
  redis-runbook doctor pv1 pv2 -v     two of them, with what holds
  redis-runbook doctor --sudoers      what sudo needs, as a sudoers file`,
  plan: `Examples:
  redis-runbook plan                  the plan of the recommended recovery
  redis-runbook plan --out plan.md    as Markdown that a person can follow by hand`,
};

/**
 * The help that these arguments ask for, or undefined when they ask for none; throws a usage error for an unknown
 * command. Made from the table alone, without the parser: help is what a hurried person starts most.
 */
export function helpFor(argv: readonly string[]): string | undefined {
  const before = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  const isHelpCommand = before[0] === 'help';
  if (!isHelpCommand && !before.includes('-h') && !before.includes('--help')) {
    return undefined;
  }
  const words = before.slice(isHelpCommand ? 1 : 0).filter((word) => !word.startsWith('-'));
  const row = allCommands.find((command) => words.includes(command.name));
  if (row === undefined) {
    if (words.length > 0) {
      throw unknownCommand(words[0] ?? '');
    }
    return rootHelp();
  }
  return commandHelp(
    row,
    row.subs?.find((sub) => words.slice(words.indexOf(row.name) + 1).includes(sub.name)),
  );
}

/** The usage error for a word that is no command, with the nearest one. */
export function unknownCommand(word: string): RunbookError {
  const near = nearest(word, [...allCommands.map((row) => row.name), 'help']);
  return new RunbookError('usage', `there is no command ${word}.`, {
    facts: near === undefined ? [] : [`did you mean ${near}?`],
    next: ['redis-runbook help'],
  });
}

function commandHelp(row: CommandRow, sub: SubcommandRow | undefined): string {
  const { says, args } = sub ?? row;
  const name = sub === undefined ? row.name : `${row.name} ${sub.name}`;
  const wants = row.subs !== undefined && sub === undefined ? 'COMMAND' : args;
  const subs = sub === undefined ? (row.subs ?? []) : [];
  const example = examples[row.name];
  const globals = globalFlags.map((flag) => flagNames(flag).at(-1)).join(' ');
  return `${[
    `redis-runbook ${[name, wants, '[flags]'].filter((part) => part !== '').join(' ')}`,
    `${says.charAt(0).toUpperCase()}${says.slice(1)}.`,
    ...(subs.length === 0
      ? []
      : [
          listed(
            'Commands:',
            subs.map((each) => [`${each.name} ${each.args}`.trim(), each.says]),
          ),
        ]),
    ...(row.flags.length === 0 ? [] : [listed('Flags:', row.flags.map(flagLine))]),
    wrapWords(`Also: ${globals}`, 78, '      '),
    ...(example === undefined ? [] : [example]),
    exitStatuses,
  ].join('\n\n')}\n`;
}

function flagLine(flag: FlagRow): readonly [string, string] {
  return [flag.flags, flag.values === undefined ? flag.says : `${flag.says} (${flag.values.join(', ')})`];
}

function listed(title: string, lines: readonly (readonly [string, string])[]): string {
  const column = Math.max(...lines.map(([name]) => name.length)) + 4;
  const hang = ' '.repeat(column);
  return [title, ...lines.map(([name, says]) => wrapWords(says, 80, hang, `  ${name}`.padEnd(column)))].join('\n');
}

/** All commands by part, and the flags that each of them takes. */
function rootHelp(): string {
  const parts = [...new Set(allCommands.map((command) => command.part))];
  const blocks = parts.map((part) =>
    [part, ...allCommands.filter((one) => one.part === part).map(commandLine)].join('\n'),
  );
  const flags = globalFlags.map((row) => `  ${row.flags.padEnd(26)}${row.says}`);
  return [
    'redis-runbook COMMAND [flags]        flags may stand before or after the command',
    ...blocks,
    [
      'Flags of every command',
      ...flags,
      '  -h, --help                help',
      '  -V, --version             version',
    ].join('\n'),
    'redis-runbook COMMAND --help         its flags, examples, exit statuses\n',
  ].join('\n\n');
}

function commandLine(command: CommandRow): string {
  const args = command.subs === undefined ? command.args : command.subs.map((sub) => sub.name).join('|');
  const usage = `  ${command.name} ${args}`.trimEnd();
  return usage.length < 28 ? `${usage.padEnd(28)}${command.says}` : `${usage}\n${' '.repeat(28)}${command.says}`;
}

function wrapWords(text: string, width: number, hang: string, first = ''): string {
  const lines = [first];
  let empty = true;
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(hang + word);
    } else {
      lines[lines.length - 1] = empty ? line + word : `${line} ${word}`;
    }
    empty = false;
  }
  return lines.join('\n');
}
