import { lowerAscii } from '../../redis/tokenise.js';
import { atLeast } from '../../redis/versions.js';
import type { Target } from '../target.js';
import { atoi } from './numbers.js';
import type { Refusal } from './problem.js';

/** `words`: their number after the statement's own word. `from`: first Redis (every Valkey has those up to 7.2). */
interface Form {
  readonly words: readonly number[];
  readonly from?: string;
  readonly before?: string;
  readonly valkeyOnly?: string;
}

/** The statements of sentinel.c:sentinelHandleConfiguration. */
export const statements: Readonly<Record<string, Form>> = {
  monitor: { words: [4] },
  'down-after-milliseconds': { words: [2] },
  'failover-timeout': { words: [2] },
  'can-failover': { words: [2], before: '2.8' },
  'parallel-syncs': { words: [2] },
  'notification-script': { words: [2] },
  'client-reconfig-script': { words: [2] },
  'auth-pass': { words: [2] },
  'auth-user': { words: [2], from: '6.0' },
  'current-epoch': { words: [1], from: '2.8' },
  myid: { words: [1], from: '3.2' },
  'config-epoch': { words: [2], from: '2.8' },
  'leader-epoch': { words: [2], from: '2.8' },
  'known-slave': { words: [3] },
  'known-replica': { words: [3], from: '5.0' },
  'known-sentinel': { words: [3, 4] },
  'rename-command': { words: [3], from: '5.0' },
  'announce-ip': { words: [1], from: '2.8' },
  'announce-port': { words: [1], from: '2.8' },
  'deny-scripts-reconfig': { words: [1], from: '3.2' },
  'sentinel-user': { words: [1], from: '6.2' },
  'sentinel-pass': { words: [1], from: '6.2' },
  'resolve-hostnames': { words: [1], from: '6.2' },
  'announce-hostnames': { words: [1], from: '6.2' },
  'master-reboot-down-after-period': { words: [2], from: '7.0' },
  'primary-reboot-down-after-period': { words: [2], valkeyOnly: '8.0' },
};

/** Read before the monitor lines from 6.2 on (sentinel.c:preMonitorCfgName). */
export const beforeMonitor: ReadonlySet<string> = new Set(
  'announce-ip announce-port deny-scripts-reconfig sentinel-user sentinel-pass current-epoch myid resolve-hostnames announce-hostnames'.split(
    ' ',
  ),
);

/** What was read so far. */
export interface SentinelState {
  readonly masters: Set<string>;
  /** `replica NAME HOST:PORT`, `sentinel NAME RUNID`, `rename NAME COMMAND`. */
  readonly known: Set<string>;
  readonly allMasters: ReadonlySet<string>;
  resolves: boolean;
}

const unrecognised = 'Unrecognized sentinel configuration statement.';

/** Whether the lines are queued and read in the order that they need (6.2 and later). */
export function queues(target: Target): boolean {
  return target.flavour === 'valkey' || atLeast(target.version, '6.2');
}

/** Whether the target knows the statement. */
function hasStatement(sub: string, target: Target): boolean {
  const form = Object.hasOwn(statements, sub) ? statements[sub] : undefined;
  if (form === undefined) return false;
  if (form.valkeyOnly !== undefined) return target.flavour === 'valkey' && atLeast(target.version, form.valkeyOnly);
  const version = target.compatible;
  return (
    (form.from === undefined || atLeast(version, form.from)) &&
    (form.before === undefined || !atLeast(version, form.before))
  );
}

/** Which versions know the statement, as `versionsWith` says it of a directive. */
export function versionsWithStatement(sub: string): string {
  const form = Object.hasOwn(statements, sub) ? statements[sub] : undefined;
  if (form?.valkeyOnly !== undefined) return `Valkey ${form.valkeyOnly} and later`;
  if (form?.before !== undefined) return `Redis before ${form.before}`;
  return form?.from === undefined ? 'every version' : `Redis ${form.from} and later and Valkey`;
}

/** The reason against a `sentinel …` line, `args` without the word `sentinel`; `word` counts it. Changes `state` when the line is taken. */
export function refusedStatement(args: readonly string[], state: SentinelState, target: Target): Refusal | undefined {
  const [first = '', ...words] = args;
  const sub = lowerAscii(first);
  if (!hasStatement(sub, target)) {
    const rule = Object.hasOwn(statements, sub) ? 'sentinel-directive-not-in-version' : 'unknown-directive';
    return { rule, says: unrecognised, word: 1 };
  }
  const counts = statements[sub]?.words ?? [];
  if (!counts.includes(words.length)) {
    if (sub === 'monitor' && words[0] !== undefined) state.masters.add(words[0]);
    return { rule: 'wrong-argument-count', says: unrecognised, word: Math.min(...counts) + 2 };
  }
  if (sub === 'monitor') return refusedMonitor(words, state, target);
  // The form of 2.8 without a run id is passed over, whatever it names.
  if (sub === 'known-sentinel' && words.length === 3 && atLeast(target.compatible, '3.2')) return undefined;
  if (namesMaster(sub)) {
    const nameless = refusedName(words[0] ?? '', state);
    if (nameless !== undefined) return nameless;
  }
  return refusedOption(sub, words, state, target);
}

function refusedName(name: string, state: SentinelState): Refusal | undefined {
  if (state.masters.has(name)) return undefined;
  const rule = state.allMasters.has(name) ? 'sentinel-monitor-not-first' : 'sentinel-unknown-master-name';
  return { rule, says: 'No such master with specified name.', word: 2 };
}

/** A refused line counts as read for those after it: they are right once it is. */
function refusedMonitor(words: readonly string[], state: SentinelState, target: Target): Refusal | undefined {
  const [name = '', host = '', port = '', quorum = ''] = words;
  const before = state.masters.has(name);
  state.masters.add(name);
  if (atoi(quorum) <= 0) return { rule: 'sentinel-quorum-invalid', says: 'Quorum must be 1 or greater.', word: 5 };
  const address = refusedAddress(host, port, state, target, 'master');
  if (address !== undefined) return { ...address, word: (address.word ?? 0) + 3 };
  if (!before) return undefined;
  const says = queues(target) ? 'Duplicate master name.' : 'Duplicated master name.';
  return { rule: 'sentinel-duplicate-master', says, word: 2 };
}

/** Whether the statement names a master, as its first word. */
export function namesMaster(sub: string): boolean {
  return Object.hasOwn(statements, sub) && statements[sub]?.words[0] !== 1 && sub !== 'monitor';
}

/** `word` 0 for the host, 1 for the port. Before 6.2 a name is asked of the resolver: that is not known here. */
function refusedAddress(
  host: string,
  port: string,
  state: SentinelState,
  target: Target,
  what: string,
): Refusal | undefined {
  const number = atoi(port);
  if (number < 0 || number > 65535) {
    return { rule: 'invalid-value', says: queues(target) ? 'Invalid port number.' : 'Invalid port number', word: 1 };
  }
  const resolvable =
    state.resolves || (!queues(target) && /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(host) && !/^[\d.]+$/.test(host));
  if (isAddress(host) || resolvable) return undefined;
  const says = queues(target) ? "Can't resolve instance hostname." : `Can't resolve ${what} instance hostname.`;
  return { rule: 'sentinel-hostname-needs-resolve', says, word: 0 };
}

/** Numeric addresses in every form that getaddrinfo takes: `127.1`, `0x7f.1`, `::1`, `fe80::1%eth0`. */
function isAddress(host: string): boolean {
  if (host.includes(':')) return isIpv6(host.replace(/%[^%]+$/, ''));
  const parts = host.split('.').map(addressPart);
  if (parts.length > 4 || parts.some((part) => part === undefined)) return false;
  const last = parts.at(-1) ?? 0;
  return parts.slice(0, -1).every((part) => (part ?? 256) < 256) && last < 256 ** (5 - parts.length);
}

function addressPart(part: string): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(part)) return Number.parseInt(part, 16);
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
  return /^[1-9]\d*$/.test(part) ? Number(part) : undefined;
}

function isIpv6(text: string): boolean {
  try {
    return new URL(`http://[${text}]/`).hostname !== '';
  } catch {
    return false;
  }
}

function refusedOption(
  sub: string,
  words: readonly string[],
  state: SentinelState,
  target: Target,
): Refusal | undefined {
  const [name = '', second = '', third = ''] = words;
  if (sub === 'down-after-milliseconds' || sub === 'failover-timeout') {
    return atoi(second) > 0
      ? undefined
      : { rule: 'sentinel-time-not-positive', says: 'negative or zero time parameter.', word: 3 };
  }
  if (sub.endsWith('-reboot-down-after-period')) {
    return atoi(second) >= 0
      ? undefined
      : { rule: 'sentinel-time-not-positive', says: 'negative time parameter.', word: 3 };
  }
  if (sub === 'myid') {
    const fine = name.length === 40;
    return fine
      ? undefined
      : { rule: 'sentinel-myid-malformed', says: 'Malformed Sentinel id in myid option.', word: 2 };
  }
  if (['deny-scripts-reconfig', 'resolve-hostnames', 'announce-hostnames'].includes(sub)) {
    if (sub === 'resolve-hostnames' && /^yes$/i.test(name)) state.resolves = true;
    if (sub === 'resolve-hostnames' && /^no$/i.test(name)) state.resolves = false;
    const says = `Please specify yes or no for the ${sub} option${sub === 'deny-scripts-reconfig' ? 's' : ''}.`;
    return /^(?:yes|no)$/i.test(name) ? undefined : { rule: 'invalid-value', says, word: 2 };
  }
  if (sub === 'known-replica' || sub === 'known-slave')
    return refusedKnown(words, `replica ${name} ${second}:${atoi(third)}`, state, target);
  if (sub === 'known-sentinel' && words.length === 4)
    return refusedKnown(words, `sentinel ${name} ${words[3]}`, state, target);
  if (sub === 'rename-command') {
    const says = 'Same command renamed multiple times with rename-command.';
    return taken(state, `rename ${name} ${lowerAscii(second)}`)
      ? { rule: 'sentinel-duplicate-known-entry', says, word: 3 }
      : undefined;
  }
  return undefined;
}

function refusedKnown(
  words: readonly string[],
  key: string,
  state: SentinelState,
  target: Target,
): Refusal | undefined {
  const what = key.startsWith('replica') ? 'replica' : 'sentinel';
  const address = refusedAddress(words[1] ?? '', words[2] ?? '', state, target, what);
  if (address !== undefined) return { ...address, word: (address.word ?? 0) + 3 };
  if (!taken(state, key)) return undefined;
  const duplicate = what === 'replica' ? 'Duplicate hostname and port for replica.' : 'Duplicate runid for sentinel.';
  const says = queues(target) ? duplicate : `Wrong hostname or port for ${what}.`;
  return { rule: 'sentinel-duplicate-known-entry', says, word: 3 };
}

function taken(state: SentinelState, key: string): boolean {
  const before = state.known.has(key);
  state.known.add(key);
  return before;
}
