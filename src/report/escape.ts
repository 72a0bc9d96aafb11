/**
 * The one place where a string that the tool did not write itself becomes printable. Config values, log lines, INFO
 * fields and error texts come from machines that may be hostile: an escape sequence must not move the cursor, a
 * right-to-left mark must not turn a host name round, and a letter of another script must not pass for `pv1`.
 */

/**
 * The text with every character that is not printable ASCII written out: `\x1b` below 256, `\u{202e}` above. Tabs and
 * line ends too, so one value stays on one line. Use it for everything that came from a host.
 */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, spelled);
}

/**
 * As `printable`, but letters, digits, marks and symbols of every script stay: for what the operator typed (a reason, a
 * fleet's name). Controls, format characters (bidi, zero-width), separators other than the blank and lone surrogates
 * are still written out.
 */
export function printableProse(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]|(?! )\p{Z}/gu, spelled);
}

/** A value inside Markdown text: printable, and no character of it starts markup, a link, a mention or HTML. */
export function markdown(text: string): string {
  return printableProse(text)
    .replace(/[\\`*_[\]<>|~#!&]/g, (character) => `\\${character}`)
    .replace(/@/g, '&#64;')
    .replace(/:\/\//g, '&#58;//')
    .replace(/\bwww\./gi, (word) => `${word.slice(0, 3)}&#46;`)
    .replace(/^(\s*)([-+=])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])/, '$1\\$2');
}

/** A value as a Markdown code span; the fence is one backtick longer than any run inside. */
export function markdownCode(text: string): string {
  const shown = printableProse(text);
  const fence = '`'.repeat(longestRun(shown, /`+/g) + 1);
  const pad = shown.startsWith('`') || shown.endsWith('`') || shown === '' ? ' ' : '';
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/** Lines as a fenced Markdown block; the fence is longer than any run of backticks inside. */
export function markdownBlock(lines: readonly string[], language = ''): string {
  const shown = lines.map(printableProse);
  const fence = '`'.repeat(Math.max(3, longestRun(shown.join('\n'), /`+/g) + 1));
  return [`${fence}${language}`, ...shown, fence].join('\n');
}

function longestRun(text: string, pattern: RegExp): number {
  return Math.max(0, ...Array.from(text.matchAll(pattern), (match) => match[0].length));
}

function spelled(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
