/**
 * One word for a POSIX shell, quoted so that the shell gives back exactly `word`. Plain words stay as they are, for
 * people who read them. Throws TypeError on a NUL, which no argument can hold.
 */
export function shellQuote(word: string): string {
  if (word.includes('\0')) throw new TypeError('a word for the shell cannot hold a NUL');
  if (/^[A-Za-z0-9_@%+:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** An argument list as one line for a POSIX shell. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ');
}
