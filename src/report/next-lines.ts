import { widthOf, wrap } from './layout.js';

/** A command to paste and what it does. */
export interface NextCommand {
  readonly command: string;
  readonly says: string;
}

/** `Next:` and its commands: what each does beside it where it fits, below it where it does not. Never breaks a command. */
export function nextLines(commands: readonly NextCommand[], width: number): string[] {
  if (commands.length === 0) return [];
  const column = Math.max(...commands.map(({ command }) => widthOf(command))) + 5;
  const fits = commands.every(({ says }) => column + widthOf(says) <= width);
  return ['Next:', ...commands.flatMap((each) => commandLines(each, fits ? column : undefined, width))];
}

function commandLines({ command, says }: NextCommand, column: number | undefined, width: number): string[] {
  if (says === '') return [`  ${command}`];
  if (column !== undefined) return [`  ${command}`.padEnd(column) + says];
  return [`  ${command}`, ...wrap(says, width, '      ', '      ')];
}

/** The flag that repeats which fleet file was used, for pasted commands; empty for the file that is found anyway. */
export function fleetFlag(fleetFile: string | undefined): string {
  if (fleetFile === undefined || fleetFile === 'fleet.yaml' || fleetFile === './fleet.yaml') return '';
  return ` --fleet ${shellWord(fleetFile)}`;
}

/** The flag that repeats which repository was named; empty when none was. */
export function repositoryFlag(repository: string | undefined): string {
  return repository === undefined ? '' : ` --repository ${shellWord(repository)}`;
}

/** A word as a POSIX shell reads it back: bare where that is safe, else in single quotes. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
