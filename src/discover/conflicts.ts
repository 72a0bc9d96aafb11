import type { Claim, Found, Member, Visit } from '../model/found.js';
import { type Candidate, withoutConfig } from './candidates.js';
import { isLoopback, machineOf } from './owner.js';
import { isSafeWord } from './safe-word.js';
import { strangersOf } from './strangers.js';

type Parts = Pick<Found, 'visits' | 'groups' | 'members'>;

/**
 * Why what was found must not be acted on before a person wrote it down: members that contradict each other, a machine
 * that one member led to and that knows nobody of the rest, a node that runs with a file that was not found.
 */
export function conflictsOf(
  found: Parts,
  candidates: readonly Candidate[],
  claims: readonly Claim[],
): readonly string[] {
  return [
    ...found.members
      .filter(isInTwo)
      .map(({ host, port, groups }) => `redis ${host}:${port} is named for ${groups.join(' and for ')}`),
    ...found.groups
      .filter((group) => !isSafeWord(group))
      .map((group) => `a sentinel monitors ${JSON.stringify(group)}, which cannot be a group's name here`),
    ...found.members
      .filter(({ host }) => !isSafeWord(host))
      .map(({ host, by }) => `${by.join(', ')} names the address ${JSON.stringify(host)}, which is none`),
    ...twoFiles(candidates),
    ...found.visits.flatMap((visit) => withoutFile(visit, found, candidates)),
    ...strangersOf(found),
    ...found.visits.flatMap((visit) => mixed(visit, found)),
    ...loopbackElsewhere(found, claims),
    ...unitsHere(found),
    ...notLookedAt(found),
  ];
}

function isInTwo({ kind, groups }: Member): boolean {
  return kind === 'redis' && groups.length > 1;
}

/** Two files for one place, and nothing says which one a start would take. */
function twoFiles(candidates: readonly Candidate[]): readonly string[] {
  const idle = candidates.filter(
    ({ process, unit, config }) => !process && !unit && (config.kind === 'redis' || config.hasRun),
  );
  return idle.flatMap(({ visit, config }, index) => {
    const other = idle
      .slice(0, index)
      .find(
        (each) =>
          each.visit === visit &&
          each.config.kind === config.kind &&
          each.config.port === config.port &&
          each.config.binds.join() === config.binds.join(),
      );
    return other === undefined
      ? []
      : [
          `${other.config.path} and ${config.path} on ${visit.name} are both for port ${config.port}, and nothing says which one is used`,
        ];
  });
}

function withoutFile(visit: Visit, { members }: Parts, candidates: readonly Candidate[]): readonly string[] {
  const named = members.filter((each) => each.visit === visit.name && each.known === 'claimed');
  return withoutConfig(visit, candidates).flatMap(({ kind, listens }) => {
    const member = named.find((each) => each.kind === kind && listens.some((at) => at.endsWith(`:${each.port}`)));
    return member === undefined
      ? []
      : [`${kind} ${member.host}:${member.port} runs with a config file that was not found: name it with --conf FILE`];
  });
}

/** One host has one way of being served: units, or processes by hand. */
function mixed(visit: Visit, { members }: Parts): readonly string[] {
  const mine = members.filter((each) => each.visit === visit.name && each.known === 'seen');
  const [byUnit, byHand] = [
    mine.filter(({ unit }) => unit !== undefined),
    mine.filter(({ unit }) => unit === undefined),
  ];
  if (byUnit.length === 0 || byHand.length === 0) return [];
  const words = byHand.map(({ kind, port }) => `${kind} ${port}`).join(', ');
  return [
    `${visit.name} serves ${words} without a unit, and others with one: which starts it must be said in fleet.yaml`,
  ];
}

/** Another machine's sentinels that know their nodes as 127.0.0.1 can be followed on that machine alone. */
function loopbackElsewhere({ members, visits }: Parts, claims: readonly Claim[]): readonly string[] {
  return visits
    .filter(({ transport, address }) => transport !== 'local' && !isLoopback(address))
    .filter(
      (visit) =>
        machineOf(visit) !== undefined && members.some((each) => each.visit === visit.name && isLoopback(each.host)),
    )
    .map(({ name }) => {
      const by = [
        ...new Set(claims.filter((claim) => claim.visit === name && isLoopback(claim.host)).map((claim) => claim.by)),
      ];
      return `${by.join(', ') || name} knows its nodes as loopback addresses, which lead elsewhere from here: use redis-runbook on ${name} itself, with HOST localhost`;
    });
}

/** On this machine itself only plain processes are stopped and started. */
function unitsHere({ members, visits }: Parts): readonly string[] {
  return visits
    .filter(
      ({ transport, name }) =>
        transport === 'local' && members.some((each) => each.visit === name && each.unit !== undefined),
    )
    .map(
      ({ name }) =>
        `${name} is this machine and its nodes are services: a recovery reaches them over ssh only, so name it as USER@ADDRESS`,
    );
}

/** More were named than a fleet has: somebody lies, or names a whole network. */
function notLookedAt({ members, visits }: Parts): readonly string[] {
  const called = new Set(visits.map(({ address }) => address));
  const left = new Set(
    members
      .filter(({ host, visit }) => visit === undefined && isSafeWord(host) && !called.has(host))
      .map(({ host }) => host),
  );
  return left.size === 0
    ? []
    : [`${left.size} addresses are named that nobody looked at; ${visits.length} machines were looked at`];
}
