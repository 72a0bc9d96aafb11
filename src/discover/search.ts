import { defaultLimits, type Host } from '../hosts/host.js';
import { parseInventory } from '../inventory/load.js';
import type { SshFile } from '../inventory/schema.js';
import type { Claim, Found, Member, Visit } from '../model/found.js';
import type { HostEntry } from '../model/inventory.js';
import { surveyFleet } from '../survey/survey.js';
import { assemble, unvisited } from './assemble.js';
import { claimsOfAnswers } from './claims.js';
import { type FleetFileNeeds, fleetFileOf, fleetText, hostsOf } from './fleet-file.js';
import { bareEntry, type Reach, type Resolve, reachOfClaimed, reachOfNamed, sshFile } from './reach.js';
import { hostWord, visit } from './visit.js';

/** More machines than this are no fleet of one Sentinel group: somebody lies, or names a whole network. */
const MOST_MACHINES = 48;

export interface SearchOrder {
  /** As typed: alias, address, USER@ADDRESS, `localhost`. */
  readonly named: readonly string[];
  /** Files and directories, absolute, to look for config files in beside the well-known places. */
  readonly places: readonly string[];
  /** Directory for the locks and holds of hosts that are this machine. */
  readonly stateDirectory: string;
}

export interface SearchTools {
  open(entry: HostEntry): Promise<Host>;
  /** What ssh makes of a name. */
  readonly resolve: Resolve;
  /** Waits until no question about a login is open. */
  questionsAnswered(): Promise<boolean>;
  /** Told before anybody is called that a member named. */
  tell(line: string): void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** What was found, and how its machines are reached. */
export interface Searched {
  readonly found: Found;
  readonly needs: FleetFileNeeds;
  /** Why machines could not be entered, by name, as it was thrown. */
  readonly errors: ReadonlyMap<string, unknown>;
}

/**
 * Finds the fleet that the named machines belong to: from the files and answers of each machine to the machines that
 * they name, until nobody names another. Writes nothing anywhere. Rejects with RunbookError `usage` for a word that is no
 * machine, and with the signal's reason; a machine that cannot be entered is one that was not seen.
 */
export async function searchFleet(order: SearchOrder, tools: SearchTools): Promise<Searched> {
  const search = new Map<string, { readonly reach: Reach; readonly user: string | undefined }>();
  const visits: Visit[] = [];
  const errors = new Map<string, unknown>();
  const words = [...new Set(order.named)].map((word) => ({ word, ...hostWord(word) }));
  const go = async (name: string, host: string, reach: Reach, user: string | undefined, isNamed: boolean) => {
    search.set(name, { reach, user });
    const entry = bareEntry(name, isNamed ? host : reach.address, reach);
    const failed = (error: unknown) => void errors.set(name, error);
    return visit(
      { name, address: reach.address, entry, isNamed, places: order.places, failed },
      tools.open,
      tools.signal,
    );
  };
  const named = words.map(async ({ word, user, host }) =>
    go(nameOf(word, host, words), host, await reachOfNamed(user, host, tools.resolve), user, true),
  );
  visits.push(...(await Promise.all(named)));
  await tools.questionsAnswered();
  const needs = needsOf(order, search);
  const heard = await follow(visits, order, tools, { needs, go, search });
  return { found: assemble(order.named, visits, heard), needs, errors };
}

/** Two accounts of one machine are two names. */
function nameOf(word: string, host: string, words: readonly { readonly host: string }[]): string {
  return words.filter((each) => each.host === host).length > 1 ? word : host;
}

interface Going {
  readonly needs: FleetFileNeeds;
  readonly search: ReadonlyMap<string, { readonly reach: Reach; readonly user: string | undefined }>;
  go(name: string, host: string, reach: Reach, user: string | undefined, isNamed: boolean): Promise<Visit>;
}

/** Goes to everybody that is named, first by files alone, then by what running nodes say, until nobody is left. */
async function follow(
  visits: Visit[],
  order: SearchOrder,
  tools: SearchTools,
  going: Going,
): Promise<readonly Claim[]> {
  let heard: readonly Claim[] = [];
  let asked = 0;
  for (;;) {
    const next = unvisited(visits, heard).slice(0, Math.max(0, MOST_MACHINES - visits.length));
    if (next.length > 0) {
      for (const claimer of new Set(next.map((each) => each.claimer))) {
        const named = next.filter((each) => each.claimer === claimer).map(({ host }) => host);
        tools.tell(`${claimer.name} names ${named.join(', ')}: looking there, too.`);
      }
      const more = next.map(async ({ host, claimer }) => {
        const from = going.search.get(claimer.name);
        if (from === undefined) throw new TypeError(`${claimer.name} was never visited`);
        return going.go(host, host, await reachOfClaimed(host, from.reach, from.user, tools.resolve), from.user, false);
      });
      visits.push(...(await Promise.all(more)));
      await tools.questionsAnswered();
    } else if (asked < visits.length && visits.length < MOST_MACHINES) {
      asked = visits.length;
      heard = await hear(assemble(order.named, visits, heard), going.needs, tools);
    } else return heard;
  }
}

/** What the running nodes of the fleet, as it is known so far, say of other members. */
async function hear(found: Found, needs: FleetFileNeeds, tools: SearchTools): Promise<readonly Claim[]> {
  const entered = found.visits.filter(({ seen }) => seen.ok).map(({ name }) => name);
  const members = found.members.filter(
    (member) => member.visit !== undefined && entered.includes(member.visit) && member.known === 'seen',
  );
  const inGroups = found.groups.filter((group) =>
    members.some(({ kind, groups }) => kind === 'redis' && groups.includes(group)),
  );
  const seen = { ...found, members, groups: inGroups };
  const file = fleetFileOf(seen, needs);
  if (file === undefined || !members.some(({ kind }) => kind === 'sentinel')) return [];
  const mine = { uid: process.getuid?.() ?? 0, mode: 0o600 };
  const inventory = parseInventory('(found)', fleetText(file, []), mine, process.getuid?.());
  const hosts = await Promise.all(inventory.hosts.map((entry) => tools.open(entry)));
  try {
    const request = { groups: inventory.groups, passwords: new Map(), limits: defaultLimits };
    const { survey } = await surveyFleet(inventory, hosts, request, tools.now, tools.signal);
    const byName = new Map(hostsOf(seen).map((host) => [host.name, host.visit?.name]));
    return claimsOfAnswers(survey, (host) => byName.get(host));
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}

function needsOf(order: SearchOrder, search: ReadonlyMap<string, { readonly reach: Reach }>): FleetFileNeeds {
  return {
    sshOf: (member: Member, at: Visit | undefined): SshFile | undefined => {
      const reach = search.get(at?.name ?? member.host)?.reach;
      return reach === undefined ? undefined : sshFile(reach.ssh);
    },
    stateOf: (address) => `${order.stateDirectory}/hosts/${address.replace(/[^A-Za-z0-9_.]/g, '_')}`,
  };
}
