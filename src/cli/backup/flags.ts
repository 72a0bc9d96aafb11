import type { SnapshotWay } from '../../backup/choose.js';
import type { Compress } from '../../backup/take/request.js';
import type { FlagRow } from '../command-table.js';
import type { SelectFlags } from '../flags.js';

/** Flags of every `backup` command. */
export const backupFlags: readonly FlagRow[] = [
  { flags: '--repository <DIRECTORY>', says: 'instead of backup.repository of fleet.yaml', file: true },
  { flags: '--kind <KIND>', says: 'create: snapshot, or append-only files (standard: rdb)', values: ['rdb', 'aof'] },
  {
    flags: '--engine <ENGINE>',
    says: 'create: save on the node, or stream without touching its disk (standard: what its disk has room for)',
    values: ['bgsave', 'stream'],
  },
  {
    flags: '--compress <HOW>',
    says: 'create: on their host, when it pays on this connection (auto), always, or never',
    values: ['auto', 'zstd', 'gzip', 'none'],
  },
  { flags: '--with-secrets', says: 'create: keep the passwords in the configs that go with it' },
  { flags: '--tag <TAG>', says: 'create: a word to find it by', many: true },
  { flags: '--limit-rate <RATE>', says: 'create: bytes a second from each host: 500k, 20M' },
  { flags: '--wait <SECONDS>', says: 'create: how long a run that holds the fleet is waited for' },
  { flags: '--scheduled', says: 'create: for timers: pings, waits for a run, drills once a week' },
  { flags: '--accept-signer <NAME>', says: 'trust whoever signs so, by name or fingerprint, from now on' },
  { flags: '--all', says: 'list: every backup; verify: every group' },
  { flags: '--nagios', says: 'status: one line and exit status for Nagios and Icinga' },
  { flags: '--metrics <DIRECTORY>', says: 'status: also write metrics for node_exporter there', file: true },
  { flags: '--apply', says: 'prune: do it (else only shown)' },
  { flags: '--remove-most', says: 'prune: also where more than half of a group would go' },
  { flags: '--timer <KIND>', says: 'schedule: for what', values: ['systemd', 'cron', 'kubernetes'] },
  { flags: '--at <CALENDAR>', says: "schedule: when, as 'daily' or '*-*-* 03:14:00'; cron: '14 3 * * *'" },
  { flags: '--user <USER>', says: 'schedule: who runs it (standard: redis-runbook)' },
  { flags: '--image <IMAGE>', says: 'schedule: container image for kubernetes' },
  {
    flags: '--credential <NAME=PATH>',
    says: 'schedule: hand this secret to the service (LoadCredential=)',
    many: true,
  },
  {
    flags: '--into <PLACE>',
    says: 'schedule: write the files there, enable nothing; restore: fleet file that gets the data',
    file: true,
  },
  { flags: '-n, --dry-run', says: 'restore: the plan and every probe that changes nothing' },
  { flags: '-y, --yes', says: 'restore: no question; never sets data aside that was not named' },
  { flags: '--configs', says: 'restore: its configs instead of its data, as diffs with a question each' },
  { flags: '--step', says: 'restore: ask before each action' },
  { flags: '--promote <NODE>', says: 'restore: this node loads the backup and becomes master' },
  { flags: '--set-aside <NODE>', says: 'restore: what these nodes hold now is given up for it, kept', many: true },
  { flags: '--without <HOST>', says: 'restore: go on without this host', many: true },
  { flags: '--reason <TEXT>', says: 'restore: why; needed with each flag that gives something up' },
  { flags: '--print', says: 'schedule: print what would be written, and write nothing' },
];

export interface BackupFlags extends SelectFlags {
  readonly sub: string;
  readonly args: readonly string[];
  readonly repository: string | undefined;
  readonly acceptSigner: string | undefined;
  readonly all: boolean;
  readonly nagios: boolean;
  readonly metrics: string | undefined;
  readonly apply: boolean;
  readonly removeMost: boolean;
  readonly timer: 'systemd' | 'cron' | 'kubernetes';
  readonly at: string | undefined;
  readonly user: string | undefined;
  readonly image: string | undefined;
  readonly credentials: readonly string[];
  readonly into: string | undefined;
  readonly print: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly step: boolean;
  readonly configs: boolean;
  readonly promote: string | undefined;
  readonly setAside: readonly string[];
  readonly without: readonly string[];
  readonly reason: string | undefined;
  readonly kind: 'rdb' | 'aof';
  /** How a snapshot leaves the node; undefined = what fits. */
  readonly engine: SnapshotWay | undefined;
  readonly compress: Compress;
  readonly withSecrets: boolean;
  readonly tags: readonly string[];
  /** Bytes a second, with k, M or G behind it: `50M`. */
  readonly limitRate: string | undefined;
  /** Seconds that a run which holds the fleet is waited for. */
  readonly wait: string | undefined;
  /** A timer asks, not a person. */
  readonly scheduled: boolean;
}

type Options = Readonly<Record<string, unknown>>;

/** The flags of `backup` out of what the parser found. */
export function backupFlagsOf(
  sub: string,
  args: readonly string[],
  options: Options,
  select: SelectFlags,
): BackupFlags {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
  const isOn = (name: string) => options[name] === true;
  const several = (name: string) => {
    const value = options[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  };
  const timer = (['cron', 'kubernetes'] as const).find((kind) => kind === options.timer) ?? 'systemd';
  return {
    ...select,
    sub,
    args,
    repository: text('repository'),
    acceptSigner: text('acceptSigner'),
    all: isOn('all'),
    nagios: isOn('nagios'),
    metrics: text('metrics'),
    apply: isOn('apply'),
    removeMost: isOn('removeMost'),
    timer,
    at: text('at'),
    user: text('user'),
    image: text('image'),
    credentials: several('credential'),
    into: text('into'),
    print: isOn('print'),
    dryRun: isOn('dryRun'),
    yes: isOn('yes'),
    step: isOn('step'),
    configs: isOn('configs'),
    promote: text('promote'),
    setAside: several('setAside'),
    without: several('without'),
    reason: text('reason'),
    kind: options.kind === 'aof' ? 'aof' : 'rdb',
    engine: (['bgsave', 'stream'] as const).find((way) => way === options.engine),
    compress: (['zstd', 'gzip', 'none'] as const).find((how) => how === options.compress) ?? 'auto',
    withSecrets: isOn('withSecrets'),
    tags: several('tag'),
    limitRate: text('limitRate'),
    wait: text('wait'),
    scheduled: isOn('scheduled'),
  };
}
