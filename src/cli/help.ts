import { type CommandRow, commands, flagNames, globalFlags } from './command-table.js';

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
                                      the newest writes are on no disk`,
  status: `Examples:
  redis-runbook status                the fleet of ./fleet.yaml
  redis-runbook status --why          the evidence for every sentence
  redis-runbook status --json         all of it, for scripts`,
  plan: `Examples:
  redis-runbook plan                  the plan of the recommended recovery
  redis-runbook plan --out plan.md    as Markdown that a person can follow by hand`,
};

/** What stands below the flags in `redis-runbook COMMAND --help`. */
export function helpAfter(command: CommandRow): string {
  const example = examples[command.name];
  const globals = globalFlags.map((row) => flagNames(row).at(-1)).join(' ');
  const flags = wrapWords(`Also: ${globals}`, 78, '      ');
  return `\n${[flags, ...(example === undefined ? [] : [example]), exitStatuses].join('\n\n')}`;
}

/** All commands by part, and the flags that each of them takes. */
export function rootHelp(): string {
  const parts = [...new Set(commands.map((command) => command.part))];
  const blocks = parts.map((part) =>
    [part, ...commands.filter((one) => one.part === part).map(commandLine)].join('\n'),
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

function wrapWords(text: string, width: number, hang: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(hang + word);
    } else {
      lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
    }
  }
  return lines.join('\n');
}
