import type { ConfigLine } from '../model/formats.js';
import { parseConfig } from './redis-conf.js';
import { redactLine, showRaw } from './secrets.js';
import { isKnownReplica, type Statement, statementOf } from './sentinel-conf.js';

/**
 * The operator's own lines that only one of two texts of a sentinel.conf has, as `-line` and `+line`, secrets shown as
 * `(secret)`, those of `group` first. Not counted: comments, order, quoting, the case of directives, what Sentinel
 * generates about any group (known-*, epochs, the address in `monitor`), the lines that its rewriter adds by itself, and
 * values that equal the default, which it leaves out. Secrets are compared by keyed hash: either text may hold tokens.
 */
export function differsOutsideGenerated(before: string, after: string, group: string): string[] {
  const old = ownLines(before);
  const now = ownLines(after);
  const found = [
    ...missingFrom(old, now).map((own) => ({ ...own, shown: `-${own.shown}` })),
    ...missingFrom(now, old).map((own) => ({ ...own, shown: `+${own.shown}` })),
  ];
  return [...found.filter((own) => own.group === group), ...found.filter((own) => own.group !== group)].map(
    (own) => own.shown,
  );
}

interface OwnLine {
  /** Equal for two lines that say the same. */
  readonly key: string;
  readonly group: string | undefined;
  readonly shown: string;
}

function ownLines(text: string): OwnLine[] {
  return parseConfig('sentinel.conf', text).flatMap((line) => {
    if (line.name === '') return unreadable(line);
    const clean = redactLine(line);
    const statement = statementOf(clean);
    const key = statement === undefined ? plainKey(clean) : statementKey(statement);
    return key === undefined ? [] : [{ key, group: statement?.group, shown: showRaw(line.raw.trim()) }];
  });
}

/** A line whose quotes are broken is the operator's business; a comment or a blank line is nobody's. */
function unreadable(line: ConfigLine): OwnLine[] {
  const shown = showRaw(line.raw.trim());
  return shown === '' || shown.startsWith('#') ? [] : [{ key: redactLine(line).raw, group: undefined, shown }];
}

function plainKey({ name, args }: ConfigLine): string | undefined {
  const said = [name, ...args].join(' ');
  return addedByRewriter.some((pattern) => pattern.test(said)) ? undefined : JSON.stringify([name, ...args]);
}

/** Lines that config.c:rewriteConfig adds to a sentinel.conf that never had them (seen on 6.0.20 and 7.0.15). */
const addedByRewriter: readonly RegExp[] = [
  /^protected-mode no$/,
  /^latency-tracking-info-percentiles 50 99 99\.9$/,
  /^maxclients \d+$/,
  /^user default on nopass (sanitize-payload )?~\* (&\* |resetchannels )?\+@all$/,
];

function statementKey({ sub, group, words }: Statement): string | undefined {
  if (sub.endsWith('-epoch') || sub === 'known-sentinel' || isKnownReplica({ sub, group, words })) return undefined;
  if (defaults[sub] !== undefined && defaults[sub] === words.join(' ')) return undefined;
  return JSON.stringify([sub, group ?? '', ...(sub === 'monitor' ? words.slice(2) : words)]);
}

/** Written only when they differ from these (sentinel.c:rewriteConfigSentinelOption; 5.0 and 6.0 may write them all the same). */
const defaults: Readonly<Record<string, string | undefined>> = {
  'down-after-milliseconds': '30000',
  'failover-timeout': '180000',
  'parallel-syncs': '1',
  'deny-scripts-reconfig': 'yes',
  'resolve-hostnames': 'no',
  'announce-hostnames': 'no',
  'master-reboot-down-after-period': '0',
  'primary-reboot-down-after-period': '0',
};

/** The lines of `lines` that have no counterpart in `others`, each counterpart used once. */
function missingFrom(lines: readonly OwnLine[], others: readonly OwnLine[]): OwnLine[] {
  const left = new Map<string, number>();
  for (const { key } of others) left.set(key, (left.get(key) ?? 0) + 1);
  return lines.filter(({ key }) => {
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    return count <= 0;
  });
}
