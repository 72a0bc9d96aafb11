/** One flag, in the notation of commander: `-g, --group <NAME>`. The table is read by the parser, the help and the completions. */
export interface FlagRow {
  readonly flags: string;
  readonly says: string;
  /** May be given more than once, and takes several values separated by commas. */
  readonly many?: true;
  readonly values?: readonly string[];
  /** The value is a path on this machine. */
  readonly file?: true;
}

export interface SubcommandRow {
  readonly name: string;
  /** In the notation of commander: `<RUN>`, `[NAME]`. */
  readonly args: string;
  readonly says: string;
}

export interface CommandRow extends SubcommandRow {
  readonly part: 'Look' | 'Repair' | 'Plan' | 'Record' | 'Back up' | 'Practise' | 'Set up';
  readonly flags: readonly FlagRow[];
  readonly subs?: readonly SubcommandRow[];
  /** The subcommand that runs when none is named. */
  readonly standard?: string;
}

/** Flags of every command, before or after it. `-h` and `-V` are the parser's own. */
export const globalFlags: readonly FlagRow[] = [
  {
    flags: '-f, --fleet <FILE|NAME>',
    says: 'fleet file, or NAME in ~/.config/redis-runbook',
    file: true,
  },
  { flags: '-g, --group <NAME>', says: 'which monitored name, when there are several' },
  { flags: '--survey <FILE>', says: 'judge a saved survey instead of looking at the fleet', file: true },
  { flags: '-v, --verbose', says: 'evidence and commands; -vv also the traffic' },
  { flags: '-q, --quiet', says: 'the verdict, the result and errors only' },
  { flags: '--json', says: 'one JSON document on stdout, and nothing else there' },
  { flags: '--plain', says: 'lines only, nothing is redrawn' },
  { flags: '--no-color', says: 'no colour' },
  { flags: '--no-input', says: 'ask nothing; a missing answer is an error' },
];

const choiceFlags: readonly FlagRow[] = [
  {
    flags: '--path <PATH>',
    says: 'take this path instead of the recommended one',
    values: ['nothing', 'failover', 'sentinels-only', 'live', 'cold'],
  },
  { flags: '--promote <NODE>', says: 'this node becomes master' },
  { flags: '--set-aside <NODE>', says: 'give up what only these nodes hold (NODE[,NODE])', many: true },
  { flags: '--accept-loss <NODE>', says: 'accept that writes newer than what this node has are on no disk' },
  { flags: '--without <HOST>', says: 'go on without this host', many: true },
  { flags: '--host-is-off <HOST>', says: 'this host has no power or no network: I have seen it', many: true },
  { flags: '--reason <TEXT>', says: 'why; needed with each flag that gives something up' },
  { flags: '--out <FILE>', says: 'write the plan to FILE and change nothing', file: true },
  { flags: '--markdown', says: 'the plan as Markdown, to be followed by hand' },
];

const recoverFlags: readonly FlagRow[] = [
  { flags: '-n, --dry-run', says: 'the plan and every probe that changes nothing' },
  { flags: '-y, --yes', says: 'no question; never accepts a loss' },
  { flags: '--step', says: 'ask before each action' },
  ...choiceFlags,
];

const rejoinFlags: readonly FlagRow[] = [
  { flags: '-n, --dry-run', says: 'the plan and every probe that changes nothing' },
  { flags: '-y, --yes', says: 'no question; never gives data up' },
  { flags: '--step', says: 'ask before each action' },
  { flags: '--set-aside <NODE>', says: 'give up what only this node of the host holds; it is kept', many: true },
  { flags: '--reason <TEXT>', says: 'why; needed with --set-aside' },
];

const lockFlags: readonly FlagRow[] = [
  { flags: '--wait <DURATION>', says: 'queue up behind a colleague who is at work: 90s, 10m, 2h' },
  { flags: '--take-over-from <RUN>', says: 'look and plan anew in place of a run whose holder is gone' },
  { flags: '--detach', says: 'with --yes: go on in a process that outlives this terminal' },
];

const goOnFlags: readonly FlagRow[] = [
  { flags: '-y, --yes', says: 'no question; never accepts a loss' },
  { flags: '--step', says: 'ask before each action' },
  { flags: '--wait <DURATION>', says: 'queue up behind a colleague who is at work: 90s, 10m, 2h' },
  { flags: '--take-over', says: 'the named run is that of a colleague who is gone' },
];

const searchFlags: readonly FlagRow[] = [
  { flags: '--conf <PATH>', says: 'with HOST: look for config files here, too', many: true, file: true },
];

const statusFlags: readonly FlagRow[] = [
  { flags: '--why', says: 'the evidence for every sentence' },
  { flags: '--watch', says: 'look again and again until Ctrl-C' },
  { flags: '--save <FILE>', says: 'keep what was seen, without secrets, for --survey', file: true },
  ...searchFlags,
];

const auditFlags: readonly FlagRow[] = [
  { flags: '--target <VERSION>', says: 'read the files as this version: redis-7.2, valkey-8.1' },
  {
    flags: '--fail-on <SEVERITY>',
    says: 'findings that make the status 1 (standard: error)',
    values: ['error', 'warning', 'info'],
  },
  { flags: '--strict', says: 'status 4 as soon as anything was not checked' },
  {
    flags: '--policy <FILE>',
    says: 'profile, severities, waivers (standard: ./redis-runbook-policy.yaml)',
    file: true,
  },
  { flags: '--profile <PROFILE>', says: 'what the fleet is for', values: ['dev', 'single-host-lab', 'production'] },
  { flags: '--baseline <FILE>', says: 'only findings that an earlier audit --json does not have', file: true },
  { flags: '--confirm', says: 'also try copies of the files on a server of this machine, of the same version' },
  { flags: '--format <FORMAT>', says: 'how to print', values: ['table', 'json', 'markdown'] },
  { flags: '--list-rules', says: 'every rule, and nothing is audited' },
];

/** Every command of this version, in the order of the help; the flags of `lab` are its own (see all-commands.ts). */
export const commands: readonly CommandRow[] = [
  {
    part: 'Look',
    name: 'status',
    args: '[HOST...]',
    says: 'what is true, in one screen; changes nothing',
    flags: statusFlags,
  },
  {
    part: 'Look',
    name: 'audit',
    args: '[PATH...]',
    says: 'what is wrong with the fleet, or with config files',
    flags: auditFlags,
  },
  {
    part: 'Look',
    name: 'doctor',
    args: '[HOST...]',
    says: 'whether a recovery would find what it needs',
    flags: [{ flags: '--sudoers', says: 'the lines that sudo needs, and what they are worth' }],
  },
  {
    part: 'Look',
    name: 'explain',
    args: '<WORD>',
    says: 'what an error, a rule, a path or a step means',
    flags: [],
  },
  {
    part: 'Repair',
    name: 'recover',
    args: '[HOST...]',
    says: 'decides and repairs with you; asks before changes',
    flags: [...recoverFlags, ...lockFlags, ...searchFlags],
  },
  {
    part: 'Repair',
    name: 'rejoin',
    args: '<HOST>',
    says: 'brings a host back that a run left out',
    flags: rejoinFlags,
  },
  {
    part: 'Repair',
    name: 'resume',
    args: '[RUN]',
    says: 'goes on with a run that was cut off',
    flags: goOnFlags,
  },
  {
    part: 'Repair',
    name: 'undo',
    args: '[RUN]',
    says: 'takes a run back, unless writes would be lost',
    flags: goOnFlags,
  },
  {
    part: 'Plan',
    name: 'plan',
    args: '[RUNBOOK]',
    says: 'what recover would do; changes nothing',
    flags: recoverFlags,
  },
  {
    part: 'Plan',
    name: 'apply',
    args: '<FILE>',
    says: 'carries out a plan file where the fleet is as it was',
    flags: [
      ...recoverFlags.filter(({ flags }) => /^(-y|--step|--set-aside|--accept-loss|--reason)/.test(flags)),
      ...lockFlags,
    ],
  },
  {
    part: 'Plan',
    name: 'runbook',
    args: '',
    says: 'the runbooks that plans are made from',
    flags: [{ flags: '--markdown', says: 'show: as Markdown, to be followed by hand' }],
    subs: [
      { name: 'list', args: '', says: 'the built-in runbooks' },
      { name: 'show', args: '<NAME|FILE>', says: 'a runbook, and what it would do on this fleet' },
      { name: 'check', args: '<FILE>', says: 'whether a runbook file is well formed' },
    ],
  },
  {
    part: 'Record',
    name: 'history',
    args: '',
    says: 'the runs of this machine',
    flags: [{ flags: '--follow', says: 'show: line by line while the run works, until it ends' }],
    standard: 'list',
    subs: [
      { name: 'list', args: '', says: 'all runs, newest first' },
      { name: 'show', args: '<RUN>', says: 'one run, line by line' },
    ],
  },
  {
    part: 'Record',
    name: 'handover',
    args: '[RUN]',
    says: 'gives an unfinished run to a colleague',
    flags: [
      { flags: '--to <NAME>', says: 'who goes on with it: a user name, or user@machine' },
      { flags: '--note <TEXT>', says: 'what the next one should know' },
    ],
  },
  {
    part: 'Record',
    name: 'unlock',
    args: '<ID>',
    says: 'gives back the lock of a run whose holder is gone',
    flags: [],
  },
  {
    part: 'Record',
    name: 'clean',
    args: '[RUN]',
    says: 'removes what ended runs kept, once nothing needs it',
    flags: [
      { flags: '-y, --apply', says: 'do it (else only shown)' },
      { flags: '--compared <NODE>', says: 'I compared what was kept of these nodes, or give it up', many: true },
      { flags: '--reason <TEXT>', says: 'what was found, or why; needed with --compared' },
    ],
  },
  { part: 'Record', name: 'report', args: '[RUN]', says: 'what happened, as Markdown for people', flags: [] },
  {
    part: 'Record',
    name: 'salvage',
    args: '',
    says: 'what branches that were set aside hold alone',
    flags: [
      { flags: '--only <PATTERN>', says: 'only keys that match: order:*' },
      { flags: '--keys', says: 'show: the names of the keys, on a terminal only' },
      { flags: '-n, --dry-run', says: 'apply: what would be put back' },
      { flags: '-y, --yes', says: 'no question; never writes over a key' },
    ],
    standard: 'list',
    subs: [
      { name: 'list', args: '', says: 'all bundles of this machine' },
      { name: 'show', args: '<RUN>', says: 'how many keys, of what type and beginning' },
      { name: 'collect', args: '<RUN>', says: 'make a bundle from the files that a run kept' },
      { name: 'apply', args: '<RUN>', says: 'put back the keys that the master lacks' },
    ],
  },
  {
    part: 'Back up',
    name: 'backup',
    args: '',
    says: 'backups of the fleet, and what they are worth',
    flags: [],
    subs: [
      { name: 'create', args: '[GROUP|NODE...]', says: 'one of each group, from its healthiest replica' },
      { name: 'list', args: '', says: 'what there is, newest first' },
      { name: 'show', args: '<ID>', says: 'one backup: where it is from, its files, its checks' },
      { name: 'status', args: '', says: 'how old the newest good one of each group is' },
      { name: 'verify', args: '[ID...]', says: 'reads every byte again, and whose signature it is' },
      { name: 'drill', args: '[ID...]', says: 'loads it in a closed server and counts what it holds' },
      { name: 'restore', args: '<ID>', says: 'its data back into a group, in place of what it holds now' },
      { name: 'prune', args: '', says: 'what the policy keeps and what goes, with reasons' },
      { name: 'schedule', args: '<ACTION>', says: 'install, show or remove a timer that makes them' },
    ],
  },
  {
    part: 'Practise',
    name: 'lab',
    args: '',
    says: 'throw-away fleets of real processes on this machine',
    flags: [],
    subs: [
      { name: 'up', args: '', says: 'start a healthy fleet on loopback addresses' },
      { name: 'break', args: '[SCENARIO]', says: 'break it for real; a name that is none lists them' },
      { name: 'save', args: '[NAME]', says: 'keep a lab that does not run' },
      { name: 'load', args: '[NAME]', says: 'bring a kept lab back, off as it was' },
      { name: 'status', args: '', says: 'what runs, who is master, what was broken' },
      { name: 'down', args: '', says: 'end its processes' },
      { name: 'check', args: '', says: 'compare the data with the record of every write' },
      { name: 'cycle', args: '', says: 'all machines off and on again' },
      { name: 'drill', args: '', says: 'kill the master and wait for a failover' },
      { name: 'demo', args: '', says: 'break a fleet and recover it' },
    ],
  },
  {
    part: 'Set up',
    name: 'init',
    args: '<HOST...>',
    says: 'writes a fleet.yaml from what one machine leads to',
    flags: [...searchFlags, { flags: '--out <FILE>', says: 'where it is written (standard: fleet.yaml)', file: true }],
  },
  { part: 'Set up', name: 'schema', args: '', says: 'all keys of fleet.yaml, as JSON Schema', flags: [] },
  { part: 'Set up', name: 'completion', args: '<SHELL>', says: 'completions for bash, zsh or fish', flags: [] },
];

/** The long name of a flag, `--set-aside`. */
export function longName(row: FlagRow): string {
  return /--[a-z-]+/.exec(row.flags)?.[0] ?? row.flags;
}

/** All names of a flag: `-g` and `--group`. */
export function flagNames(row: FlagRow): readonly string[] {
  return row.flags.replace(/ <.*$/, '').split(', ');
}

/** Whether the flag is followed by a value. */
export function takesValue(row: FlagRow): boolean {
  return row.flags.includes('<');
}
