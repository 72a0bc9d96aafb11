import { known, mapSeen, type Seen } from '../../../model/seen.js';
import { epochOf } from '../../../redis/sentinel-conf.js';
import { byKey } from '../../by-key.js';
import { each, together } from '../../need.js';
import { defineRule, type Problem, type Spot } from '../../rule.js';
import { isLoopback, isWildcard, optionOf, spotOf } from '../../settings.js';
import type { GroupView, NodeAt, SentinelConf, SentinelNode } from '../../view.js';
import { type Finder, finderOf, finderSeen, isNumeric, membersOf, monitorOf, optionNumber } from './addresses.js';
import { fixturesOf } from './page.js';
import { calm, isFileOnly, type Role, roleOf } from './roles.js';

/** Where a sentinel takes the master to be: by its own word while it runs, else by its file. */
export interface Claim {
  readonly node: NodeAt;
  readonly address: string;
  readonly host: string;
  readonly epoch: bigint;
  readonly runs: boolean;
  readonly spot: Spot;
}

/** The claim of a sentinel about a group. */
export function claimOf(sentinel: SentinelNode, group: string): Seen<Claim> {
  const running = sentinel.view(group);
  if (!running.ok && !isFileOnly(running)) return running;
  const view = known(running);
  return mapSeen(sentinel.conf, (conf) => {
    const monitor = monitorOf(conf, group);
    if (monitor === undefined) throw new Error(`does not monitor ${group}`);
    const address = view?.master ?? monitor.address;
    return {
      node: sentinel.at,
      address,
      host: address.slice(0, address.lastIndexOf(':')),
      epoch: view?.configEpoch ?? epochOf(optionOf(conf, group, 'config-epoch').words[0]),
      runs: view !== undefined,
      spot: spotOf(monitor),
    };
  });
}

/** A claim that can be held against the nodes: a name that is none of theirs may be any of them. */
export function isComparable(claim: Claim, find: Finder): boolean {
  return find(claim.address) !== undefined || (isNumeric(claim.host) && !isLoopback(claim.host));
}

/** One word for a node, whichever of its addresses is used. */
export function canonical(address: string, find: Finder): string {
  return find(address)?.at.id ?? address;
}

interface Matched {
  readonly claim: Claim;
  readonly role: Role | undefined;
}

/** Each sentinel's claim with the role of the node that it is about; not seen where it is about no given file. */
function matchedClaims(group: GroupView): readonly Seen<Matched>[] {
  const find = finderOf(group);
  return group.sentinels.map((sentinel) => {
    const claim = claimOf(sentinel, group.name);
    if (!claim.ok || isWildcard(claim.value.host))
      return mapSeen(claim, (value) => ({ claim: value, role: undefined }));
    const node = find(claim.value.address);
    if (node !== undefined) return together({ claim, role: roleOf(node) });
    if (group.declared && group.redis.every(({ texts }) => texts.ok) && isComparable(claim.value, find)) {
      return mapSeen(claim, (value) => ({ claim: value, role: undefined }));
    }
    const detail = `${claim.value.address} is no node that was seen`;
    return { ok: false, why: 'not-asked', detail, from: claim.from, at: claim.at };
  });
}

export const sentinelMonitorsNonMaster = defineRule({
  id: 'sentinel-monitors-non-master',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'sentinels monitor a node that is no master',
  rationale:
    'A sentinel that finds a replica where it expects the master takes it for down after a while and starts a failover that nobody needs; until then clients are sent to a node that refuses writes.',
  source: 'sentinel.c:sentinelCheckSubjectivelyDown, "master reported as slave"; seen on 7.0.15',
  fix: 'Monitor the node that is the master, or make the monitored node the master.',
  fixtures: fixturesOf('sentinel-monitors-non-master'),
  needs: (group) => ({
    calm: calm(group),
    claims: each(matchedClaims(group), 'sentinel'),
    roles: each(membersOf(group).map(roleOf), 'redis node that a sentinel monitors'),
  }),
  check: ({ claims }, { name }) => {
    const liveIsRight = claims.some(
      ({ claim, role }) => claim.runs && role !== undefined && role.follows === undefined,
    );
    return claims.flatMap(({ claim, role }): readonly Problem[] => {
      if (isWildcard(claim.host) || (role !== undefined && role.follows === undefined)) return [];
      if (role === undefined) {
        const message = `${name} is monitored at ${claim.address}, and no node of the group is known by that address`;
        return [{ message, at: claim.spot, severity: 'warning' }];
      }
      const how = role.runs ? 'runs as a replica of' : 'starts as a replica of';
      return [
        {
          message: `${name} is monitored at ${claim.address}, and ${role.node.id} ${how} ${role.follows}`,
          at: claim.spot,
          beside: role.line === undefined ? [] : [{ node: role.node, line: role.line }],
          ...(liveIsRight && !claim.runs ? { severity: 'warning' as const } : {}),
        },
      ];
    });
  },
});

export const sentinelViewsDisagree = defineRule({
  id: 'sentinel-views-disagree',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'the sentinels do not agree about their master',
  rationale:
    'Sentinels take over an address only from one with a higher config-epoch. With equal epochs each keeps its own: they monitor two masters for ever, and clients are sent to either. Different quorums and times make it a matter of luck which of them starts a failover, and when.',
  source: 'sentinel.c:sentinelProcessHelloMessage; two sentinels at epoch 5 kept two masters, seen on 7.0.15',
  fix: 'Give all of them the same lines about the group; SENTINEL SET NAME OPTION VALUE on each that runs.',
  fixtures: fixturesOf('sentinel-views-disagree'),
  needs: (group) => ({
    calm: calm(group),
    claims: each(
      group.sentinels.map((one) => together({ claim: claimOf(one, group.name), conf: one.conf })),
      'sentinels',
      2,
    ),
    find: finderSeen(group),
  }),
  check: ({ claims, find }, { name }) => [
    ...addressProblem(name, claims, find),
    ...settings.flatMap((setting) => settingProblem(name, claims, setting)),
  ],
});

interface Both {
  readonly claim: Claim;
  readonly conf: SentinelConf;
}

/** A lower epoch gives way when the sentinels meet; equal ones never do. */
function addressProblem(group: string, all: readonly Both[], find: Finder): readonly Problem[] {
  if (!all.every(({ claim }) => isComparable(claim, find) || find(claim.address) !== undefined)) return [];
  const parties = byKey(all, ({ claim }) => canonical(claim.address, find));
  if (parties.length < 2) return [];
  const epochs = parties.map((party) => party.reduce((top, { claim }) => (claim.epoch > top ? claim.epoch : top), 0n));
  const highest = epochs.reduce((top, epoch) => (epoch > top ? epoch : top), 0n);
  const settled = epochs.filter((epoch) => epoch === highest).length === 1;
  const says = parties.map((party) => `${party[0]?.claim.address ?? ''} (${party.map(idOf).join(', ')})`).join(' and ');
  const then = settled
    ? `the one of epoch ${highest} will be taken over by all`
    : 'of the same epoch, so neither gives way';
  return [
    {
      message: `${group} is monitored at ${says}: ${then}`,
      ...spots(parties.flatMap(([first]) => first ?? [])),
      ...(settled ? { severity: 'warning' as const } : {}),
    },
  ];
}

function idOf({ claim }: Both): string {
  return claim.node.id;
}

function spots(all: readonly Both[]): Pick<Problem, 'at' | 'beside'> {
  const [first, ...others] = all.map(({ claim }) => claim.spot);
  return first === undefined ? {} : { at: first, beside: others };
}

interface SharedSetting {
  readonly title: string;
  of(conf: SentinelConf, group: string): number;
  spot(conf: SentinelConf, group: string): Spot;
}

const monitorSpot = (conf: SentinelConf, group: string): Spot => {
  const monitor = monitorOf(conf, group);
  return monitor === undefined ? { node: conf.node, line: undefined } : spotOf(monitor);
};

const settings: readonly SharedSetting[] = [
  { title: 'quorum', of: (conf, group) => monitorOf(conf, group)?.quorum ?? Number.NaN, spot: monitorSpot },
  option('down-after-milliseconds', 30_000),
  option('failover-timeout', 180_000),
  option('parallel-syncs', 1),
];

function option(title: string, preset: number): SharedSetting {
  return {
    title,
    of: (conf, group) => optionNumber(conf, group, preset, title),
    spot: (conf, group) => spotOf(optionOf(conf, group, title)),
  };
}

function settingProblem(group: string, all: readonly Both[], setting: SharedSetting): readonly Problem[] {
  const told = all.filter(({ conf }) => !Number.isNaN(setting.of(conf, group)));
  const parties = byKey(told, ({ conf }) => String(setting.of(conf, group)));
  if (parties.length < 2) return [];
  const says = parties.flatMap((party) => {
    const [one] = party;
    return one === undefined ? [] : [`${setting.of(one.conf, group)} on ${party.map(idOf).join(', ')}`];
  });
  const [first, ...others] = parties.flatMap(([one]) => (one === undefined ? [] : [setting.spot(one.conf, group)]));
  return [
    {
      message: `the ${setting.title} of ${group} is ${says.join('; ')}: they do not act alike`,
      severity: 'warning',
      ...(first === undefined ? {} : { at: first, beside: others }),
    },
  ];
}
