import type { Finding } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import { listOf } from './names.js';
import { addressOf } from './state.js';

/** A node that a sentinel of the group knows and fleet.yaml does not. */
interface Stranger {
  readonly address: string;
  readonly kind: 'redis' | 'sentinel';
  /** A sentinel that answers sees it up. */
  isUp: boolean;
}

/**
 * Nodes and sentinels that the fleet knows and fleet.yaml does not: they block until they are declared, or named under
 * `ignore:` with a reason. One that is ignored and seen up blocks all the same: it can bring its data or an old address back.
 */
export function unknownNodes(group: GroupSurvey): Finding[] {
  const all = strangersOf(group);
  const reasonOf = (one: Stranger) => group.ignored?.find((each) => isSame(each, one.address))?.reason;
  const open = all.filter((one) => reasonOf(one) === undefined);
  const gone = all.filter((one) => reasonOf(one) !== undefined);
  return [...unnamed(open), ...aliveAfterAll(gone), ...ignoredNotes(gone, reasonOf)];
}

function strangersOf(group: GroupSurvey): readonly Stranger[] {
  const declared = new Set([...group.redis, ...group.sentinels].map(addressOf));
  const found = new Map<string, Stranger>();
  const note = (address: string, kind: Stranger['kind'], isUp: boolean): void => {
    if (declared.has(address) || address.endsWith(':0')) return;
    const before = found.get(`${kind} ${address}`);
    if (before === undefined) found.set(`${kind} ${address}`, { address, kind, isUp });
    else before.isUp ||= isUp;
  };
  for (const sentinel of group.sentinels) {
    const view = known(sentinel.view);
    const file = known(sentinel.file);
    for (const row of view?.replicas ?? []) note(row.address, 'redis', row.flags.join() === 'slave');
    for (const row of view?.peers ?? []) note(row.address, 'sentinel', row.flags.join() === 'sentinel');
    for (const address of file?.knownReplicas ?? []) note(address, 'redis', false);
    for (const row of file?.knownSentinels ?? []) note(row.address, 'sentinel', false);
  }
  return [...found.values()];
}

/** Whether what fleet.yaml ignores is the node at this `address:port`. */
export function isSame(ignored: { readonly address: string; readonly port?: number }, address: string): boolean {
  const at = address.lastIndexOf(':');
  const samePort = ignored.port === undefined || String(ignored.port) === address.slice(at + 1);
  return samePort && ignored.address === address.slice(0, at);
}

function named(strangers: readonly Stranger[]): readonly string[] {
  return strangers.map(({ kind, address }) => `${kind} ${address}`);
}

function unnamed(strangers: readonly Stranger[]): Finding[] {
  const [first] = strangers;
  if (first === undefined) return [];
  const [host, port] = [
    first.address.slice(0, first.address.lastIndexOf(':')),
    first.address.slice(first.address.lastIndexOf(':') + 1),
  ];
  return [
    {
      id: 'unknown-node',
      severity: 'error',
      nodes: named(strangers),
      says: `the fleet knows ${listOf(named(strangers))}, and fleet.yaml does not: a node left out could bring its own data or an old address back`,
      blocks: true,
      next: `add it to fleet.yaml; or, when it is gone for good: ignore: [{ address: ${host}, port: ${port}, reason: "..." }]`,
    },
  ];
}

function aliveAfterAll(gone: readonly Stranger[]): Finding[] {
  const alive = gone.filter((one) => one.isUp);
  if (alive.length === 0) return [];
  return [
    {
      id: 'ignored-node-is-up',
      severity: 'error',
      nodes: named(alive),
      says: `fleet.yaml ignores ${listOf(named(alive))}, and a sentinel sees ${alive.length === 1 ? 'it' : 'them'} up`,
      blocks: true,
      next: 'stop it for good, or add it to fleet.yaml',
    },
  ];
}

function ignoredNotes(gone: readonly Stranger[], reasonOf: (one: Stranger) => string | undefined): Finding[] {
  return gone
    .filter((one) => !one.isUp)
    .map((one) => ({
      id: 'ignored-node',
      severity: 'note',
      nodes: named([one]),
      says: `${one.kind} ${one.address} is known to the fleet and ignored by fleet.yaml: ${reasonOf(one)}`,
      blocks: false,
    }));
}
