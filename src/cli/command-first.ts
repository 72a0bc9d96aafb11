import { RunbookError } from '../errors.js';
import { type CommandRow, flagNames, globalFlags, longName, takesValue } from './command-table.js';

/**
 * The same arguments with the command (and its subcommand) before all flags, and each value tied to its flag, so that
 * flags may stand anywhere and a value that looks like a flag is still a value. Throws a usage error when a flag that
 * needs a value is followed by nothing or by another known flag.
 */
export function commandFirst(argv: readonly string[], rows: readonly CommandRow[]): readonly string[] {
  const flags = [...globalFlags, ...rows.flatMap((row) => row.flags)];
  const valued = new Map(
    flags.filter(takesValue).flatMap((flag) => flagNames(flag).map((name) => [name, longName(flag)])),
  );
  const known = new Set([...flags.flatMap(flagNames), '-h', '--help', '-V', '--version']);
  const words: string[] = [];
  const rest: string[] = [];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  for (let index = 0; index < end; index += 1) {
    const token = argv[index] ?? '';
    const long = valued.get(token);
    if (long !== undefined) {
      index += 1;
      rest.push(`${long}=${givenValue(token, index < end ? argv[index] : undefined, known)}`);
    } else if (!token.startsWith('-') && words.length < wordsWanted(words, rows)) {
      words.push(token);
    } else {
      rest.push(token);
    }
  }
  return [...words, ...rest, ...argv.slice(end)];
}

function wordsWanted(words: readonly string[], rows: readonly CommandRow[]): number {
  return rows.some((row) => row.name === words[0] && row.subs !== undefined) ? 2 : 1;
}

function givenValue(flag: string, value: string | undefined, known: ReadonlySet<string>): string {
  if (value === undefined || known.has(value)) {
    const found = value === undefined ? '' : `, and ${value} is a flag`;
    throw new RunbookError('usage', `${flag} needs a value${found}.`, { next: ['redis-runbook help'] });
  }
  return value;
}
