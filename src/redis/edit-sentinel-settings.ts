import type { ConfigLine } from '../model/formats.js';
import type { FileIntent } from '../model/plan.js';
import { diffLines } from './diff.js';
import { applyRedisIntent, type Edited } from './edit-redis.js';
import { parseConfig, parseLine, printConfig } from './redis-conf.js';
import { showRaw } from './secrets.js';
import { statementOf } from './sentinel-conf.js';
import { quoteArg } from './tokenise.js';

type SettingsIntent = Extract<FileIntent, { kind: 'sentinel.settings' }>;

/**
 * Sets what an operator decides in a sentinel.conf: timeouts and quorum of one group, and plain directives. The address
 * of the master, ids, epochs and everything else that Sentinel writes itself stay byte for byte, and applying twice
 * changes nothing more. Throws an Error when the text does not monitor the group.
 */
export function applySentinelSettings(text: string, intent: SettingsIntent): Edited {
  const lines = parseConfig('sentinel.conf', text);
  const withQuorum = lines.map((line) => quorate(line, intent));
  const gone = withQuorum.filter((line) => !intent.dropStatements.some((sub) => isOf(line, sub, intent.group)));
  let set: readonly ConfigLine[] = gone;
  for (const { sub, words } of intent.statements) set = setStatement(set, intent.group, sub, words);
  const after = applyRedisIntent(printConfig(set), { kind: 'redis.conf', set: intent.set, drop: intent.drop });
  const diff = diffLines(text.split('\n'), after.text.split('\n')).filter(({ op }) => op !== ' ');
  return { text: after.text, diff: diff.map((one) => one.op + showRaw(one.text)) };
}

function isOf(line: ConfigLine, sub: string, group: string): boolean {
  const statement = statementOf(line);
  return statement?.sub === sub && statement.group === group;
}

function quorate(line: ConfigLine, { group, quorum }: SettingsIntent): ConfigLine {
  const [host, port, now] = isOf(line, 'monitor', group) ? (statementOf(line)?.words ?? []) : [];
  if (quorum === undefined || host === undefined || port === undefined || now === quorum) return line;
  return statementLike(line, ['monitor', group, host, port, quorum]);
}

/** In the place of the first of its kind, else behind `monitor`, which must come first. */
function setStatement(
  lines: readonly ConfigLine[],
  group: string,
  sub: string,
  words: readonly string[],
): readonly ConfigLine[] {
  const first = lines.find((line) => isOf(line, sub, group));
  const at = first ?? lines.find((line) => isOf(line, 'monitor', group));
  if (at === undefined) throw new Error(`the sentinel.conf does not monitor ${group}`);
  const isSame = first !== undefined && statementOf(first)?.words.join('\0') === words.join('\0');
  const made = isSame ? first : statementLike(at, [sub, group, ...words]);
  return lines.flatMap((line) => {
    if (line === at) return first === undefined ? [line, made] : [made];
    return isOf(line, sub, group) ? [] : [line];
  });
}

function statementLike(line: ConfigLine, words: readonly string[]): ConfigLine {
  const indent = line.raw.slice(0, line.column - 1);
  const ending = line.raw.endsWith('\r') ? '\r' : '';
  return parseLine(line.file, line.line, `${indent}sentinel ${words.map(quoteArg).join(' ')}${ending}`);
}
