import type { WritableHost } from '../../hosts/host.js';
import { known } from '../../model/seen.js';
import { aclBack, aclIntent, aclTold } from '../../plan/acl-back.js';
import { cli, startCommand, stopCommand } from '../../plan/commands.js';
import { type ConfigBack, configBack } from '../../plan/config-back.js';
import type { AgreedConfig } from '../../plan/config-plan.js';
import { sentinelBack } from '../../plan/sentinel-back.js';
import { decodeText } from '../../redis/byte-text.js';
import type { Fleet, Judged } from '../compose.js';
import { configSeen, fleetUsers, namesAcl, type StoredConfig } from './config-targets.js';
import { groupOf } from './restore-plan.js';

const LIMIT_BYTES = 4 * 1024 * 1024;

/** The file as it is now; undefined where its node does not read it any more, or nobody could see it. */
export async function textNow(
  one: StoredConfig,
  judged: Judged,
  fleet: Pick<Fleet, 'hosts'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (one.kind !== 'acl') return configSeen(judged, one);
  if (!namesAcl(judged, one)) return undefined;
  const host = fleet.hosts.find(({ entry }: WritableHost) => entry.name === one.host.name);
  const read = await host?.named(one.entry.config).read(one.path, LIMIT_BYTES, signal);
  return read?.ok ? decodeText(read.value) : undefined;
}

/** What bringing one file back would change, and what is left to a person. */
export function backOf(one: StoredConfig, now: string, judged: Judged): ConfigBack {
  if (one.kind === 'sentinel') return sentinelBack(now, one.text, judged.diagnosis.group);
  return one.kind === 'acl' ? aclBack(now, one, fleetUsers(judged)) : configBack(now, one.text);
}

/** One file that a person said yes to, as a plan has it. What the plan says of users is the backup's alone: it can be made again. */
export function agreedOn(one: StoredConfig, back: ConfigBack): AgreedConfig {
  const { host, entry, path } = one;
  const told = back.intent?.kind === 'users.acl' ? { told: aclTold(back.intent) } : {};
  return { host, entry, path, back, ...told };
}

/** The same, for a run that goes on: from the backup and the look that it began with; undefined when it cannot be had. */
export function agreedAgain(one: StoredConfig, before: Judged): AgreedConfig | undefined {
  if (one.kind === 'acl') {
    if (!namesAcl(before, one)) return undefined;
    return agreedOn(one, { diff: [], changes: [], byHand: [], intent: aclIntent(one, fleetUsers(before)) });
  }
  const now = configSeen(before, one);
  return now === undefined ? undefined : agreedOn(one, backOf(one, now, before));
}

/** Why a sentinel.conf is not written now, and what does it: the commands one under the other. Undefined when it may be. */
export function whileItRuns(
  { kind, host, entry }: StoredConfig,
  { intent }: ConfigBack,
  judged: Judged,
): { readonly why: string; readonly commands: readonly string[] } | undefined {
  if (kind !== 'sentinel') return undefined;
  const process = groupOf(judged).sentinels.find(({ node }) => node === entry.id)?.process;
  const pid = known(process)?.pid;
  if (process?.ok && process.value === null) return undefined;
  const runs = pid === undefined ? 'whether it runs could not be seen' : 'it runs, and writes its file itself';
  const group = intent?.kind === 'sentinel.settings' ? intent.group : '';
  const set = (words: readonly string[]) => cli(entry, 'SENTINEL', 'SET', group, ...words);
  const live =
    intent?.kind !== 'sentinel.settings'
      ? []
      : [
          ...(intent.quorum === undefined ? [] : [set(['quorum', intent.quorum])]),
          ...intent.statements.map(({ sub, words }) => set([sub, ...words])),
        ];
  return {
    why: `${entry.id}: ${runs}: the file is left alone. SENTINEL SET changes it while it runs, and the sentinel keeps that itself; or stop this one sentinel, restore, and start it again`,
    commands: [...live, stopCommand(host, entry, pid), startCommand(host, entry)],
  };
}
