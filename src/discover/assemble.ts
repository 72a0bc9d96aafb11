import type { Claim, Found, Member, Visit } from '../model/found.js';
import { addressOf, type Candidate, candidatesOf, withoutConfig } from './candidates.js';
import { claimsOfFiles, isInUse } from './claims.js';
import { conflictsOf } from './conflicts.js';
import { isNoMachine, machineOf, ownerOf } from './owner.js';
import { isSafeWord } from './safe-word.js';

/** A claim with the visit that it leads to. */
interface Placed {
  readonly claim: Claim;
  readonly owner: Visit | undefined;
}

/**
 * The fleet that these visits show: whose config files were read, and whom they name. `heard` is what running nodes said
 * beside. Pure: the same visits give the same fleet, in any order of the claims.
 */
export function assemble(from: readonly string[], visits: readonly Visit[], heard: readonly Claim[] = []): Found {
  const candidates = candidatesOf(visits);
  const claims = [...claimsOfFiles(candidates), ...heard].filter(({ host }) => !isNoMachine(host));
  const placed = claims.flatMap((claim): Placed[] => {
    const claimer = visits.find(({ name }) => name === claim.visit);
    return claimer === undefined ? [] : [{ claim, owner: ownerOf(claim, claimer, visits) }];
  });
  const seen = seenMembers(candidates, claims, placed, visits);
  const all = withGroups([...seen, ...claimedMembers(seen, placed)], candidates, visits);
  const members = all.filter(({ groups }) => groups.length > 0).sort(byPlace);
  const groups = [...new Set(members.flatMap((member) => member.groups))].sort();
  const found = { from, visits, groups, members };
  return { ...found, conflicts: conflictsOf(found, candidates, claims), notes: notesOf(visits, all, candidates) };
}

/** The addresses that somebody names and nobody visited, each once, with the visit whose word it is. */
export function unvisited(
  visits: readonly Visit[],
  heard: readonly Claim[],
): readonly { readonly host: string; readonly claimer: Visit }[] {
  const found = new Map<string, Visit>();
  for (const claim of [...claimsOfFiles(candidatesOf(visits)), ...heard]) {
    const claimer = visits.find(({ name }) => name === claim.visit);
    if (claimer === undefined || isNoMachine(claim.host) || !isSafeWord(claim.host)) continue;
    if (ownerOf(claim, claimer, visits) === undefined && !found.has(claim.host)) found.set(claim.host, claimer);
  }
  return [...found].map(([host, claimer]) => ({ host, claimer }));
}

function byPlace(a: Member, b: Member): number {
  return key(a) < key(b) ? -1 : 1;
}

function key({ kind, host, port }: Pick<Member, 'kind' | 'host' | 'port'>): string {
  const parts = host.split('.').map((part) => part.padStart(3, '0'));
  return `${kind} ${parts.join('.')}:${String(port).padStart(5, '0')}`;
}

function seenMembers(
  candidates: readonly Candidate[],
  claims: readonly Claim[],
  placed: readonly Placed[],
  visits: readonly Visit[],
): readonly Member[] {
  const found = new Map<string, { member: Member; candidate: Candidate }>();
  for (const candidate of candidates) {
    const { visit, config, process, unit } = candidate;
    const host = addressOf(candidate, claims, visits);
    const mine = placed.filter(
      ({ claim, owner }) => owner === visit && claim.kind === config.kind && claim.port === config.port,
    );
    if (!isInUse(candidate) && (config.kind === 'sentinel' || mine.length === 0)) continue;
    const listed = machineOf(visit)?.processes;
    const member: Member = {
      kind: config.kind,
      host,
      port: config.port,
      groups: sorted([...config.watches.map(({ group }) => group), ...mine.flatMap(({ claim }) => claim.group ?? [])]),
      visit: visit.name,
      known: 'seen',
      by: sorted(mine.map(({ claim }) => claim.by)),
      config: config.path,
      ...(unit === undefined ? {} : { unit: unit.name }),
      isValkey: process?.isValkey ?? /valkey/.test(config.path),
      ...(config.socket !== undefined && config.ports.length === 0 ? { socket: config.socket } : {}),
      runs: process !== undefined ? true : listed === undefined ? undefined : false,
    };
    const before = found.get(key(member));
    if (before === undefined || isRather(candidate, before.candidate)) found.set(key(member), { member, candidate });
  }
  return [...found.values()].map(({ member }) => member);
}

/** Of two files for the same place the one that is in use: by a process, else by a unit. */
function isRather(one: Candidate, other: Candidate): boolean {
  const weight = ({ process, unit, config }: Candidate) => (process ? 4 : 0) + (unit ? 2 : 0) + (config.hasRun ? 1 : 0);
  return weight(one) > weight(other);
}

function claimedMembers(seen: readonly Member[], placed: readonly Placed[]): readonly Member[] {
  const found = new Map<string, Member>();
  for (const { claim, owner } of placed) {
    const { kind, host, port } = claim;
    const isSeen = seen.some(
      (member) =>
        member.kind === kind && member.port === port && (member.host === host || member.visit === (owner?.name ?? '')),
    );
    if (isSeen) continue;
    const before = found.get(key(claim));
    found.set(key(claim), {
      kind,
      host,
      port,
      groups: sorted([...(before?.groups ?? []), ...(claim.group === undefined ? [] : [claim.group])]),
      visit: owner?.name,
      known: 'claimed',
      by: sorted([...(before?.by ?? []), claim.by]),
      isValkey: false,
      runs:
        owner === undefined
          ? undefined
          : machineOf(owner)?.processes.some((each) => each.kind === kind && listensOn(each.listens, port)),
    });
  }
  return [...found.values()];
}

function listensOn(listens: readonly string[], port: number): boolean {
  return listens.some((endpoint) => endpoint.endsWith(`:${port}`));
}

/** A redis that no sentinel names belongs where its master does, and a master where its replicas do. */
function withGroups(
  members: readonly Member[],
  candidates: readonly Candidate[],
  visits: readonly Visit[],
): readonly Member[] {
  const links = candidates.flatMap(({ visit, config }) => {
    if (config.replicaOf === undefined) return [];
    const { host, port } = config.replicaOf;
    const owner = ownerOf(config.replicaOf, visit, visits);
    const isMaster = (each: Member) =>
      each.kind === 'redis' &&
      each.port === port &&
      (each.host === host || (owner !== undefined && each.visit === owner.name));
    const isReplica = (each: Member) =>
      each.kind === 'redis' && each.config === config.path && each.visit === visit.name;
    return [[members.find(isReplica), members.find(isMaster)] as const];
  });
  const groups = new Map(members.map((member) => [member, member.groups]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const [replica, master] of links) {
      if (replica === undefined || master === undefined) continue;
      const [below, above] = [groups.get(replica) ?? [], groups.get(master) ?? []];
      if (below.length === 0 && above.length > 0) groups.set(replica, above);
      else if (above.length === 0 && below.length > 0) groups.set(master, below);
      else continue;
      changed = true;
    }
  }
  return members.map((member) => ({ ...member, groups: groups.get(member) ?? [] }));
}

function notesOf(
  visits: readonly Visit[],
  all: readonly Member[],
  candidates: readonly Candidate[],
): readonly string[] {
  const alone = all.filter(({ groups, kind, known }) => groups.length === 0 && kind === 'redis' && known === 'seen');
  const idle = candidates.filter((each) => each.config.kind === 'sentinel' && !isInUse(each));
  return [
    ...alone.map(
      ({ host, port, config }) =>
        `redis ${host}:${port} (${config}) is in no group that a sentinel here monitors: left out`,
    ),
    ...idle.map(({ visit, config }) => `${config.path} on ${visit.name} is of a sentinel that never ran: left out`),
    ...visits.flatMap((visit) => [
      ...(machineOf(visit)?.unread ?? []).map((text) => `${visit.name}: ${text}`),
      ...withoutConfig(visit, candidates).map(
        ({ kind, pid, listens }) =>
          `${visit.name}: no config file was found for ${kind} pid ${pid} (${listens.join(' ') || 'its ports were not seen'})`,
      ),
    ]),
  ];
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort();
}
