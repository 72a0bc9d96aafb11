import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { Action, Plan, RestoredBackup, Stage } from '../model/plan.js';
import { word } from './commands.js';
import type { ConfigBack } from './config-back.js';
import { sideBySide } from './scene.js';

/** One config file that a person said yes to: the main file of a node, one that it includes, or its ACL file. */
export interface AgreedConfig {
  readonly host: HostEntry;
  readonly entry: NodeEntry;
  readonly path: string;
  readonly back: ConfigBack;
  /** What of it the plan tells; what it changes there, when left out. */
  readonly told?: readonly string[];
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
  { host, entry, path, back, told = back.changes }: AgreedConfig,
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
    says: { ...says, ...(kind === 'config.rewrite' ? { diff: told } : {}) },
  };
}
