import type { ConfigLine } from '../model/formats.js';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { Action, FileIntent, Plan, RestoredBackup, Stage } from '../model/plan.js';
import { diffLines } from '../redis/diff.js';
import { canonicalName } from '../redis/directive-names.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { parseConfig } from '../redis/redis-conf.js';
import { showRaw } from '../redis/secrets.js';
import { word } from './commands.js';
import { sideBySide } from './scene.js';

type RedisIntent = Extract<FileIntent, { kind: 'redis.conf' }>;

/** What bringing a redis.conf back would change, and what of the difference is left to a person. */
export interface ConfigBack {
  /** All differences, ` `, `-` as it is now, `+` as it was; secrets replaced. */
  readonly diff: readonly string[];
  /** What would be written; undefined when nothing may be. */
  readonly intent: RedisIntent | undefined;
  /** What `intent` changes. */
  readonly changes: readonly string[];
  /** Directives that differ and are not touched, each with why. */
  readonly byHand: readonly { readonly directive: string; readonly why: string }[];
}

const never: Readonly<Record<string, string>> = {
  replicaof: 'the role is what the fleet is now',
  masterauth: 'a secret',
  masteruser: 'a secret',
  requirepass: 'a secret',
  'tls-key-file-pass': 'a secret',
  'tls-client-key-file-pass': 'a secret',
  user: 'users and their passwords',
  aclfile: 'users and their passwords',
  include: 'another file',
  loadmodule: 'another file',
  'rename-command': 'clients and this tool would not find a command',
  dir: 'it decides which data a start loads',
  dbfilename: 'it decides which data a start loads',
  appendonly: 'it decides which data a start loads',
  appendfilename: 'it decides which data a start loads',
  appenddirname: 'it decides which data a start loads',
  port: 'it decides how the node is reached',
  'tls-port': 'it decides how the node is reached',
  bind: 'it decides how the node is reached',
  unixsocket: 'it decides how the node is reached',
  'protected-mode': 'it decides how the node is reached',
};

/**
 * A redis.conf of a backup against the one that is there now. Only single directives that neither hold a secret nor decide
 * role, data or reach are brought back; a placeholder for a secret never is. Pure.
 */
export function configBack(now: string, then: string): ConfigBack {
  const [is, was] = [directives(now), directives(then)];
  const names = [...new Set([...is.keys(), ...was.keys()])];
  const differing = names.filter((name) => wordsOf(is.get(name)) !== wordsOf(was.get(name)));
  const byHand = differing.flatMap((directive) => {
    const why = whyNot(directive, is.get(directive) ?? [], was.get(directive) ?? []);
    return why === undefined ? [] : [{ directive, why }];
  });
  const free = differing.filter((name) => !byHand.some(({ directive }) => directive === name));
  const set = free.flatMap((directive) => {
    const [line] = was.get(directive) ?? [];
    return line === undefined ? [] : [{ directive: line.name, value: line.args }];
  });
  const intent: RedisIntent = { kind: 'redis.conf', set, drop: free.filter((name) => !was.has(name)) };
  return {
    diff: diffLines(shownLines(now), shownLines(then))
      .filter(({ op }) => op !== ' ')
      .map(({ op, text }) => op + text),
    intent: free.length === 0 ? undefined : intent,
    changes: free.length === 0 ? [] : applyRedisIntent(now, intent).diff,
    byHand,
  };
}

function directives(text: string): ReadonlyMap<string, readonly ConfigLine[]> {
  const found = new Map<string, ConfigLine[]>();
  for (const line of parseConfig('redis.conf', text)) {
    if (line.name === '') continue;
    const name = canonicalName(line.name);
    found.set(name, [...(found.get(name) ?? []), line]);
  }
  return found;
}

/** A secret and its placeholder are the same words here: what they are cannot be compared. */
function wordsOf(lines: readonly ConfigLine[] | undefined): string {
  return (lines ?? [])
    .map(({ raw, name, args }) => (isSecret(raw) ? name : [canonicalName(name), ...args].join('\0')))
    .join('\n');
}

function isSecret(raw: string): boolean {
  return showRaw(raw) !== raw.replace(/\r$/, '');
}

function whyNot(name: string, is: readonly ConfigLine[], was: readonly ConfigLine[]): string | undefined {
  if (Object.hasOwn(never, name)) return never[name];
  if ([...is, ...was].some(({ raw }) => isSecret(raw))) return 'a secret';
  return is.length > 1 || was.length > 1 ? 'it stands there more than once' : undefined;
}

function shownLines(text: string): readonly string[] {
  return parseConfig('redis.conf', text).flatMap(({ name, raw }) => (name === '' ? [] : [showRaw(raw)]));
}

/** One config file that a person said yes to: the main file of a node, or one that it includes. */
export interface AgreedConfig {
  readonly host: HostEntry;
  readonly entry: NodeEntry;
  readonly path: string;
  readonly back: ConfigBack;
}

/** A plan that keeps each file, writes it, and tries a copy on the node's own parser; nothing is stopped or started. */
export function configPlan(
  group: string,
  backup: RestoredBackup,
  fingerprint: string,
  agreed: readonly AgreedConfig[],
): Plan {
  const hosts = [...new Set(agreed.map(({ host }) => host.name))];
  const each = (make: (one: AgreedConfig) => Action) => agreed.map(make);
  const locks = (kind: 'lock.take' | 'lock.release') => hosts.map((host) => lockAction(kind, host));
  const stage = (id: string, why: string, now: string, batches: Stage['batches']): Stage => ({
    id,
    title: id.toUpperCase(),
    why,
    needs: [],
    batches,
    now,
  });
  return {
    schema: 'redis-runbook/plan/1',
    group,
    runbook: `configs-of-${backup.id} 1.0`,
    path: 'nothing',
    master: '',
    replicas: [],
    sentinels: [],
    hosts,
    leftOut: [],
    setAside: [],
    fingerprint,
    epoch: 0n,
    downtimeSeconds: 0,
    stages: [
      stage('keep', 'a copy of each file exists before it changes', 'the files are kept; nothing was changed.', [
        ...sideBySide(locks('lock.take')),
        ...sideBySide(each((one) => configAction('keep', 'config.keep', one))),
      ]),
      stage(
        'rewrite',
        'only the directives that were agreed to',
        'the files are written; what runs goes on with what it has until its next start.',
        sideBySide(each((one) => configAction('rewrite', 'config.rewrite', one))),
      ),
      stage(
        'check',
        'what was written is read back and tried',
        'the files are as agreed, and a server starts with copies of them.',
        [
          ...sideBySide(each((one) => configAction('check', 'config.check', one))),
          ...sideBySide(locks('lock.release')),
        ],
      ),
    ],
    scripts: [],
    configsOf: backup,
  };
}

function lockAction(kind: 'lock.take' | 'lock.release', host: string): Action {
  const take = kind === 'lock.take';
  const text = take ? `take the lock on ${host}` : `give the lock on ${host} back`;
  const says = {
    text,
    commands: [],
    expect: 'nobody else holds it',
    undo: take ? 'it is given back' : 'nothing to undo',
  };
  return { id: `${take ? 'keep' : 'check'}/${host}/${kind}/1`, host, node: host, kind, says };
}

function configAction(
  stage: string,
  kind: 'config.keep' | 'config.rewrite' | 'config.check',
  { host, entry, path, back }: AgreedConfig,
): Action {
  const intent = back.intent ?? { kind: 'redis.conf', set: [], drop: [] };
  const name = path === entry.config ? entry.id : `${entry.id}:${path}`;
  const base = { id: `${stage}/${host.name}/${kind}/${name}`, host: host.name, node: entry.id };
  const texts = {
    'config.keep': `keep ${path}`,
    'config.rewrite': `rewrite ${path}`,
    'config.check': `read ${path} back and try a copy`,
  };
  const says = {
    text: `${texts[kind]} of ${entry.id}`,
    commands: [`less ${word(path)}`],
    expect: 'as agreed',
    undo: 'the kept file is put back',
  };
  if (kind === 'config.keep') return { ...base, kind, path, says };
  return {
    ...base,
    kind,
    path,
    intent,
    says: { ...says, ...(kind === 'config.rewrite' ? { diff: back.changes } : {}) },
  };
}
