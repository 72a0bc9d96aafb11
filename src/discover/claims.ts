import type { Claim, Place } from '../model/found.js';
import type { NodeKind } from '../model/inventory.js';
import { known } from '../model/seen.js';
import type { Survey } from '../model/survey.js';
import type { Candidate } from './candidates.js';

/** What the config files say of other members, and of themselves. A sentinel that never ran says nothing. */
export function claimsOfFiles(candidates: readonly Candidate[]): readonly Claim[] {
  return candidates.flatMap((candidate): readonly Claim[] => {
    const { visit, config } = candidate;
    const by = { visit: visit.name, by: speaker(visit.name, config.kind) };
    if (config.kind === 'redis')
      return config.replicaOf === undefined ? [] : [{ ...config.replicaOf, kind: 'redis', group: undefined, ...by }];
    if (!isInUse(candidate)) return [];
    return config.watches.flatMap(({ group, master, replicas, sentinels }) => [
      ...[master, ...replicas].map((place) => claim(place, 'redis', group, by)),
      ...sentinels.map((place) => claim(place, 'sentinel', group, by)),
    ]);
  });
}

/** Whether a file is one that a node starts with, and no example that a package brought. */
export function isInUse({ config, process, unit }: Candidate): boolean {
  if (process !== undefined || config.hasRun) return true;
  return config.kind === 'redis' && (unit !== undefined || config.replicaOf !== undefined);
}

/**
 * What running nodes say of other members. `visitOf` gives the visit of a host of the survey. A replica that a sentinel
 * lists is one although it may be gone: whoever is named must be looked at, or be given up by a person.
 */
export function claimsOfAnswers(survey: Survey, visitOf: (host: string) => string | undefined): readonly Claim[] {
  return Object.values(survey.groups).flatMap(({ group, redis, sentinels }) => [
    ...sentinels.flatMap((node): Claim[] => {
      const view = known(node.view);
      const visit = visitOf(node.host);
      if (view === undefined || visit === undefined) return [];
      const by = { visit, by: speaker(visit, 'sentinel') };
      const masters = [view.master, ...view.replicas.map(({ address }) => address)];
      return [
        ...claimsAt(masters, 'redis', group, by),
        ...claimsAt(
          view.peers.map(({ address }) => address),
          'sentinel',
          group,
          by,
        ),
      ];
    }),
    ...redis.flatMap((node): Claim[] => {
      const running = known(node.running);
      const visit = visitOf(node.host);
      if (running === undefined || visit === undefined) return [];
      const addresses = [
        ...(running.masterAddress ?? '').split(' '),
        ...running.replicas.map(({ address }) => address),
      ];
      return [...claimsAt(addresses, 'redis', group, { visit, by: speaker(visit, 'redis') })];
    }),
  ]);
}

function speaker(visit: string, kind: NodeKind): string {
  return kind === 'sentinel' ? `${visit}/sentinel` : visit;
}

function claim(place: Place, kind: NodeKind, group: string, by: Pick<Claim, 'visit' | 'by'>): Claim {
  return { ...place, kind, group, ...by };
}

function claimsAt(
  addresses: readonly string[],
  kind: NodeKind,
  group: string,
  by: Pick<Claim, 'visit' | 'by'>,
): Claim[] {
  return addresses.flatMap((address) => {
    const [, host, word] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
    const port = Number(word);
    return host === undefined || port === 0 || port > 65535 ? [] : [claim({ host, port }, kind, group, by)];
  });
}
