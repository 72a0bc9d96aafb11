import { judgeReadiness } from '../diagnosis/readiness/judge.js';
import { readTexts } from '../execute/config-texts.js';
import type { Tried } from '../execute/preflight.js';
import type { WritableHost } from '../hosts/host.js';
import { reasonOf } from '../hosts/reading.js';
import type { NodeEntry } from '../model/inventory.js';
import type { Plan } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import type { Check, CheckId } from '../model/readiness.js';
import { trial } from '../scratch/trial.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';
import { examine } from './examine.js';

/** What a plan needs of a host. That nodes do not answer, or how they start at boot, is why there is a plan at all. */
const needed: ReadonlySet<CheckId> = new Set([
  'login',
  'host-key',
  'sudo',
  'tools',
  'server',
  'disk',
  'writable',
  'hold',
  'forwarding',
  'service',
]);

/**
 * Tries what a plan will touch, on the hosts that it touches, with the probes of `doctor`; changes nothing. With
 * `withParser` the node's own server also reads a copy of each config that the plan would rewrite, in an empty
 * directory for temporary files that is removed again.
 */
export async function probePlan(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  context: Context,
  withParser: boolean,
): Promise<readonly Check[]> {
  const hosts = fleet.hosts.filter((host) => plan.hosts.includes(host.entry.name));
  const { inventory, passwords } = fleet;
  const seen = { survey: judged.survey, raw: judged.raw };
  const { examined, survey } = await examine({ inventory, passwords, hosts, seen, keysOf: () => [] }, context);
  const readiness = judgeReadiness(examined, survey, { at: survey.at, elapsedMs: survey.elapsedMs });
  const checks = readiness.hosts.flatMap((host) => host.checks).filter(({ id }) => needed.has(id));
  if (!withParser) return checks;
  const tried = await Promise.all(hosts.map((host) => parserChecks(plan, host, context)));
  return [...checks, ...tried.flat()];
}

async function parserChecks(plan: Plan, host: WritableHost, context: Context): Promise<readonly Check[]> {
  const rewritten = new Set(actionsOf(plan).flatMap(({ kind, node }) => (kind === 'config.rewrite' ? [node] : [])));
  const checks: Check[] = [];
  for (const node of host.entry.nodes.filter(({ id }) => rewritten.has(id))) {
    checks.push(await parserCheck(host, node, context.signal));
  }
  return checks;
}

async function parserCheck(host: WritableHost, node: NodeEntry, signal: AbortSignal): Promise<Check> {
  const about = { id: 'parser', host: host.entry.name, node: node.id } as const;
  const next = `redis-runbook status --why   and ${node.config} on ${host.entry.name}`;
  try {
    const { texts, globs } = await readTexts(host, node.config, signal);
    const result = await trial(host, { entry: node, texts, globs }, signal);
    if (result.starts) return { ...about, state: 'ok', says: `a server starts with a copy of ${node.config}` };
    return { ...about, state: 'problem', says: `no server starts with a copy of it: ${result.says}`, next };
  } catch (error) {
    signal.throwIfAborted();
    return { ...about, state: 'unseen', says: `could not be tried: ${reasonOf(error)}`, next };
  }
}

/** The checks that a person must know of before saying yes. */
export function troubles(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ state }) => state === 'problem' || state === 'unseen');
}

const ofPlaces: ReadonlySet<CheckId> = new Set(['disk', 'writable']);

/**
 * The checks with what was tried of the plan's own places in place of what `doctor` says of the room and the right there:
 * both look at the same directories, the plan knows what it needs, and a trouble is told once. A warning becomes a note.
 */
export function withPlaces(checks: readonly Check[], tried: readonly Tried[]): readonly Check[] {
  const hosts = new Set(tried.map(({ host }) => host));
  const states = { ok: 'ok', warning: 'note', failed: 'problem' } as const;
  const ids = { room: 'disk', right: 'writable', port: 'service' } as const;
  return [
    ...checks.filter(({ id, host }) => !(ofPlaces.has(id) && hosts.has(host))),
    ...tried.map(({ host, about, state, says }): Check => ({ id: ids[about], host, state: states[state], says })),
  ];
}
