import type { ConfigLine } from '../model/formats.js';
import { parseLine } from './redis-conf.js';
import { quoteArg, splitArgs } from './tokenise.js';
import { atLeast, type Version } from './versions.js';

/** `file` of the lines that come from the command line. */
const COMMAND_LINE = '(command line)';

/**
 * The options of a command line as config lines, as server.c:main appends them to the files: `--name value …` becomes
 * `name value …`. `argv` may begin with the program and the config file. From 7.0 on the word after an option without a
 * value is its value even when it begins with `--`, except after `--save`, which then means `save ""`. `--include` is
 * not followed.
 */
export function linesOfArgv(argv: readonly string[], version: Version): ConfigLine[] {
  const seven = atLeast(version, '7.0.0');
  const lines: string[] = [];
  let wantsValue = false;
  for (const [at, word] of argv.entries()) {
    const next = argv[at + 1];
    if (word.startsWith('--') && !wantsValue) {
      const emptySave = seven && word.toLowerCase() === '--save' && (next === undefined || next.startsWith('--'));
      lines.push(word.slice(2) + (emptySave ? ' ""' : ''));
      wantsValue = seven && !emptySave && splitArgs(word)?.length === 1;
    } else if (lines.length > 0 && !(word === '-' && next === undefined)) {
      lines.push(`${lines.pop() ?? ''} ${quoteArg(word)}`);
      wantsValue = false;
    }
  }
  return lines.map((raw, index) => parseLine(COMMAND_LINE, index + 1, raw));
}
