import { tryHost } from '../execute/preflight.js';
import type { WritableHost } from '../hosts/host.js';
import type { Plan } from '../model/plan.js';
import type { Survey } from '../model/survey.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';

export interface Probe {
  readonly host: string;
  readonly ok: boolean;
  readonly says: string;
}

const PROBE_TIMEOUT_MS = 5000;

/** Every probe of a dry run: what would be needed and can be tried without changing anything. */
export async function probeFleet(
  plan: Plan,
  survey: Survey,
  fleet: Fleet,
  context: Context,
): Promise<readonly Probe[]> {
  const hosts = fleet.hosts.filter((host) => plan.hosts.includes(host.entry.name));
  const probes = await Promise.all(hosts.map((host) => probeHost(plan, survey, host, context)));
  return probes.flat();
}

async function probeHost(plan: Plan, survey: Survey, host: WritableHost, context: Context): Promise<readonly Probe[]> {
  const programs = new Set(host.entry.nodes.flatMap((node) => node.start.slice(0, 1)));
  const results: Probe[] = [];
  for (const program of programs) results.push(await probeProgram(host, program, context));
  for (const node of host.entry.nodes) {
    const pid = await host.service(node).pid(context.signal);
    results.push({
      host: host.entry.name,
      ok: pid.ok,
      says: pid.ok ? `${node.id}: ${pid.value === null ? 'stopped' : `pid ${pid.value}`}` : `${node.id}: ${pid.detail}`,
    });
  }
  return [...results, ...(await probePlaces(plan, survey, host, context))];
}

async function probePlaces(
  plan: Plan,
  survey: Survey,
  host: WritableHost,
  context: Context,
): Promise<readonly Probe[]> {
  const name = host.entry.name;
  try {
    const tried = await tryHost(plan, survey, host, context.signal);
    return tried.map(({ state, says }) => ({ host: name, ok: state !== 'failed', says }));
  } catch (error) {
    return [{ host: name, ok: false, says: error instanceof Error ? error.message : String(error) }];
  }
}

async function probeProgram(host: WritableHost, program: string, context: Context): Promise<Probe> {
  const name = host.entry.name;
  try {
    const output = await host.run([program, '--version'], { timeoutMs: PROBE_TIMEOUT_MS }, context.signal);
    const first = output.stdout.split('\n')[0] ?? '';
    return {
      host: name,
      ok: output.status === 0,
      says: `${program}: ${first.slice(0, 40) || output.stderr.split('\n')[0]}`,
    };
  } catch (error) {
    return { host: name, ok: false, says: `${program}: ${error instanceof Error ? error.message : String(error)}` };
  }
}
