import { createRequire } from 'node:module';
import type { Command as CommandType } from 'commander';
import { RunbookError } from '../errors.js';
import { nearest } from '../inventory/nearest.js';
import { allCommands } from './all-commands.js';
import { commandFirst } from './command-first.js';
import { type CommandRow, type FlagRow, flagNames, globalFlags, takesValue } from './command-table.js';
import { createContext, type GlobalOptions } from './context.js';
import { unknownCommand } from './help.js';
import { type Given, runCommand } from './run-command.js';
import type { Stopper } from './stopper.js';

// commander is CommonJS inside: importing it costs 7 ms more than requiring it, on every start.
const { Command, CommanderError, InvalidArgumentError, Option }: typeof import('commander') = createRequire(
  import.meta.url,
)('commander');
type Command = CommandType;

/**
 * Parses the arguments after `redis-runbook` and runs the command they name; gives its exit status. Rejects with
 * RunbookError `usage` for unknown commands and flags, with the nearest known word.
 */
export async function runProgram(argv: readonly string[], stopper: Stopper, version: string): Promise<number> {
  let status = 0;
  const program = root(version, async (given, options) => {
    status = await runCommand(given, createContext(options, stopper));
  });
  for (const row of allCommands) {
    addCommand(program, row);
  }
  try {
    await program.parseAsync([...commandFirst(argv, allCommands)], { from: 'user' });
  } catch (error) {
    return statusOf(error, argv);
  }
  return status;
}

type Action = (given: Given, options: GlobalOptions) => Promise<void>;
const actions = new WeakMap<Command, Action>();

function root(version: string, action: Action): Command {
  const program = new Command('redis-runbook');
  program
    .version(version, '-V, --version')
    .helpOption(false)
    .helpCommand(false)
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError(false)
    .exitOverride();
  program.argument('[COMMAND]').allowExcessArguments();
  program.action(() => {
    const word = program.args[0];
    if (word !== undefined) {
      throw unknownCommand(word);
    }
    return action({ command: '', sub: undefined, args: [], options: {}, ...selection(program) }, program.opts());
  });
  addFlags(program, globalFlags);
  actions.set(program, action);
  return program;
}

function addCommand(program: Command, row: CommandRow): void {
  const command = child(program, row.name);
  if (row.subs === undefined) {
    addArguments(command, row.args);
    addFlags(command, row.flags);
    command.action(() => start(program, command, row.name, undefined));
    return;
  }
  for (const sub of row.subs) {
    const leaf = child(command, sub.name, row.standard === sub.name);
    addArguments(leaf, sub.args);
    addFlags(leaf, row.flags);
    leaf.action(() => start(program, leaf, row.name, sub.name));
  }
}

function child(parent: Command, name: string, isDefault = false): Command {
  const command = parent.command(name, { isDefault }).helpOption(false).helpCommand(false);
  command.allowExcessArguments(false).exitOverride().showSuggestionAfterError(false);
  return command;
}

async function start(program: Command, command: Command, name: string, sub: string | undefined): Promise<void> {
  const given = { command: name, sub, args: command.args, options: command.opts(), ...selection(program) };
  await actions.get(program)?.(given, program.opts());
}

function selection(program: Command) {
  const { group, survey, fleet } = program.opts<GlobalOptions>();
  return { group, survey, fleet };
}

function addArguments(command: Command, args: string): void {
  for (const name of args.split(' ').filter((word) => word !== '')) {
    command.argument(name);
  }
}

function addFlags(command: Command, rows: readonly FlagRow[]): void {
  for (const row of rows) {
    const option = new Option(row.flags, row.says);
    if (row.values !== undefined) {
      option.choices([...row.values]);
    } else if (row.many) {
      option.argParser(severalOf);
    } else if (row.flags.includes('--verbose')) {
      option.argParser((_: string, count: number | undefined) => (count ?? 0) + 1);
    } else if (takesValue(row)) {
      option.argParser(oneOf);
    }
    command.addOption(option);
  }
}

function severalOf(value: string, before: readonly string[] | undefined): readonly string[] {
  const names = value.split(',').map((name) => name.trim());
  if (names.includes('')) {
    throw new InvalidArgumentError('Expected NAME or NAME,NAME.');
  }
  return [...(before ?? []), ...names];
}

/** A flag that is given twice with different values would silently lose one of them. */
function oneOf(value: string, before: string | undefined): string {
  if (before !== undefined && before !== value) {
    throw new InvalidArgumentError(`It was given twice, first as '${before}'.`);
  }
  return value;
}

/** What commander has to say: help and version are done, everything else is a usage error in our own words. */
function statusOf(error: unknown, argv: readonly string[]): number {
  if (!(error instanceof CommanderError)) {
    throw error;
  }
  if (error.exitCode === 0) {
    return 0;
  }
  const row = allCommands.find((one) => argv.includes(one.name));
  if (error.code === 'commander.help') {
    throw usage(`${row?.name} needs one of: ${row?.subs?.map((sub) => sub.name).join(', ')}.`, row?.name, undefined);
  }
  const wrong = /(?:unknown \w+|argument) '([^']*)'/.exec(error.message)?.[1];
  const near = wrong === undefined ? undefined : nearest(wrong, knownWords(error, row));
  const says = error.message
    .replace(/^error: /, '')
    .replace(/[.\s]*$/, '')
    .replaceAll('option', 'flag');
  throw usage(`${says}.`, row?.name, near);
}

function names(): readonly string[] {
  return [...allCommands.map((row) => row.name), 'help'];
}

function knownWords(
  error: { readonly code: string; readonly message: string },
  row: CommandRow | undefined,
): readonly string[] {
  const flags = [...globalFlags, ...(row?.flags ?? [])];
  switch (error.code) {
    case 'commander.unknownOption':
      return flags.flatMap(flagNames).concat('--help', '--version');
    case 'commander.unknownCommand':
      return row?.subs?.map((sub) => sub.name) ?? names();
    case 'commander.invalidArgument':
      return flags.find((flag) => error.message.includes(flag.flags))?.values ?? [];
    default:
      return [];
  }
}

function usage(message: string, command: string | undefined, near: string | undefined): RunbookError {
  return new RunbookError('usage', message, {
    facts: near === undefined ? [] : [`did you mean ${near}?`],
    next: [command === undefined ? 'redis-runbook help' : `redis-runbook ${command} --help`],
  });
}
