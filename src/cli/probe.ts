import type { WritableHost } from '../hosts/host.js';
import type { Plan } from '../model/plan.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';

export interface Probe {
  readonly host: string;
  readonly ok: boolean;
  readonly says: string;
}

const PROBE_TIMEOUT_MS = 5000;

/** Every probe of a dry run: what would be needed and can be tried without changing anything. */
export async function probeFleet(plan: Plan, fleet: Fleet, context: Context): Promise<readonly Probe[]> {
  const hosts = fleet.hosts.filter((host) => plan.hosts.includes(host.entry.name));
  const probes = await Promise.all(hosts.map((host) => probeHost(host, context)));
  return probes.flat();
}

async function probeHost(host: WritableHost, context: Context): Promise<readonly Probe[]> {
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
  const state = await host.stat(host.entry.state);
  const usable = state.ok ? state.value.type === 'directory' : state.why === 'absent';
  results.push({
    host: host.entry.name,
    ok: usable,
    says: state.ok ? `state directory ${host.entry.state}` : `state directory ${host.entry.state}: ${state.detail}`,
  });
  return results;
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
