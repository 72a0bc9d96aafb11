import type { ConfigLine } from '../model/formats.js';
import type { FileIntent } from '../model/plan.js';
import { applySentinelSettings } from '../redis/edit-sentinel-settings.js';
import { parseConfig, printConfig } from '../redis/redis-conf.js';
import { showRaw } from '../redis/secrets.js';
import { type Statement, statementOf } from '../redis/sentinel-conf.js';
import { differsOutsideGenerated } from '../redis/sentinel-own-lines.js';
import { type ConfigBack, configBack } from './config-back.js';

type SettingsIntent = Extract<FileIntent, { kind: 'sentinel.settings' }>;

/** Statements about a group that an operator decides, and that neither hold a secret nor run a program. */
const settings = [
  'down-after-milliseconds',
  'failover-timeout',
  'parallel-syncs',
  'master-reboot-down-after-period',
  'primary-reboot-down-after-period',
];

/**
 * A sentinel.conf of a backup against the one that is there now. Only timeouts and quorum of the group and plain
 * directives are brought back. What Sentinel wrote itself never is: an old address of the master, id, epoch or peer would
 * be believed by all the others. Pure.
 */
export function sentinelBack(now: string, then: string, group: string): ConfigBack {
  const plain = configBack(plainOf(now), plainOf(then));
  const [is, was] = [statementsIn(now), statementsIn(then)];
  const intent: SettingsIntent = {
    kind: 'sentinel.settings',
    group,
    ...quorumBack(is, was, group),
    statements: settings.flatMap((sub) => {
      const [words, before] = [wordsOf(is, sub, group), wordsOf(was, sub, group)];
      return before === undefined || before.join(' ') === words?.join(' ') ? [] : [{ sub, words: before }];
    }),
    dropStatements: settings.filter((sub) => wordsOf(is, sub, group) && !wordsOf(was, sub, group)),
    set: plain.intent?.set ?? [],
    drop: plain.intent?.drop ?? [],
  };
  const applied = monitors(is, group) ? applySentinelSettings(now, intent) : { text: now, diff: [] };
  return {
    diff: differsOutsideGenerated(shown(now), shown(then), group),
    intent: applied.text === now ? undefined : intent,
    changes: applied.diff,
    byHand: [...plain.byHand, ...statementsByHand(applied.text, then, group)],
  };
}

/** What a secret is cannot be compared with the placeholder that a backup has for it, only that there is one. */
function shown(text: string): string {
  return text
    .split('\n')
    .map((raw) => showRaw(raw))
    .join('\n');
}

/** The lines that are no statements of Sentinel's, nor what its rewriter adds by itself. */
function plainOf(text: string): string {
  const lines = parseConfig('sentinel.conf', text);
  return printConfig(lines.filter((line) => line.name !== 'sentinel' && !addedByRewriter.has(line.name)));
}

/** config.c:rewriteConfig adds these to a sentinel.conf that never had them (seen on 6.0.20 and 7.0.15). */
const addedByRewriter: ReadonlySet<string> = new Set(['latency-tracking-info-percentiles', 'maxclients', 'user']);

interface Placed {
  readonly line: ConfigLine;
  readonly statement: Statement;
}

function statementsIn(text: string): readonly Placed[] {
  return parseConfig('sentinel.conf', text).flatMap((line) => {
    const statement = statementOf(line);
    return statement === undefined ? [] : [{ line, statement }];
  });
}

function wordsOf(all: readonly Placed[], sub: string, group: string): readonly string[] | undefined {
  return all.findLast(({ statement }) => statement.sub === sub && statement.group === group)?.statement.words;
}

function monitors(all: readonly Placed[], group: string): boolean {
  return wordsOf(all, 'monitor', group) !== undefined;
}

function quorumBack(is: readonly Placed[], was: readonly Placed[], group: string): { quorum?: string } {
  const [now, then] = [wordsOf(is, 'monitor', group)?.[2], wordsOf(was, 'monitor', group)?.[2]];
  return then === undefined || now === then ? {} : { quorum: then };
}

/** What still differs when all that may be written is. */
function statementsByHand(written: string, then: string, group: string): ConfigBack['byHand'] {
  return differsOutsideGenerated(shown(written), shown(then), group).flatMap((differing) => {
    const [line] = parseConfig('', differing.slice(1));
    const statement = line === undefined ? undefined : statementOf(line);
    if (statement === undefined || statement.sub === 'myid') return [];
    return [{ directive: differing.slice(1), why: whyNot(statement, group) }];
  });
}

function whyNot({ sub, group }: Statement, own: string): string {
  if (sub.endsWith('-pass') || sub.endsWith('-user')) return 'a secret, or who logs in with it';
  if (sub.endsWith('-script')) return 'a program that sentinels run';
  if (group !== undefined && group !== own) return 'another group';
  return 'it decides how others reach it, or which commands it knows';
}
