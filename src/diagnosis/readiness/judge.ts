import { type ExitStatus, exitStatus } from '../../errors.js';
import type { Check, HostReadiness, Readiness } from '../../model/readiness.js';
import type { Survey } from '../../model/survey.js';
import { accessChecks } from './access.js';
import { check, type Examined, nodesSeen } from './examined.js';
import { machineChecks } from './places.js';
import { nodeChecks } from './services.js';

/** Clocks further apart than this cannot order what two hosts logged. */
const CLOCK_LIMIT_MS = 2000;

/** What an examination of the hosts means for a recovery; pure. `survey` is of the hosts that could be logged in to. */
export function judgeReadiness(
  all: readonly Examined[],
  survey: Survey,
  when: { readonly at: string; readonly elapsedMs: number },
): Readiness {
  const offsets = new Map(all.flatMap((each) => offsetOf(each)));
  const hosts = all.map((each) => hostReadiness(each, survey, offsets));
  const known = [...offsets.values()];
  const spread = known.length < 2 ? {} : { clockSpreadMs: Math.max(...known) - Math.min(...known) };
  const exit = exitOf(hosts.flatMap((host) => host.checks));
  return { schema: 'redis-runbook/doctor/1', fleet: survey.fleet, ...when, hosts, ...spread, exit };
}

/** 4 as soon as something could not be seen, else 1 when something is wrong. */
export function exitOf(checks: readonly Check[]): ExitStatus {
  if (checks.some(({ state }) => state === 'unseen')) return exitStatus.unseen;
  return checks.some(({ state }) => state === 'problem') ? exitStatus.unhealthy : exitStatus.done;
}

function offsetOf({ entry, raw }: Examined): readonly (readonly [string, number])[] {
  return raw?.clockOffsetMs.ok ? [[entry.name, raw.clockOffsetMs.value]] : [];
}

function hostReadiness(examined: Examined, survey: Survey, offsets: ReadonlyMap<string, number>): HostReadiness {
  const { entry, login, keys, probe, loginMs } = examined;
  const { nodes, checks } = login.ok ? nodeChecks(examined, nodesSeen(examined, survey)) : { nodes: [], checks: [] };
  const offset = offsets.get(entry.name);
  const seen = probe?.ok ? probe.value : { programs: [], places: [], reach: [] };
  return {
    host: entry.name,
    address: entry.address,
    transport: entry.transport,
    keys,
    programs: seen.programs,
    places: seen.places,
    reach: seen.reach,
    nodes,
    checks: [
      ...accessChecks(examined),
      ...machineChecks(examined, survey),
      ...(login.ok ? clockChecks(examined, offsets) : []),
      ...checks,
    ],
    ...(login.ok ? { loginMs, rights: login.value } : {}),
    ...(offset === undefined ? {} : { clockOffsetMs: offset }),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A host is wrong when it stands apart from the others; where all agree it is our own clock that is. */
function clockChecks(examined: Examined, offsets: ReadonlyMap<string, number>): readonly Check[] {
  const own = offsets.get(examined.entry.name);
  if (own === undefined) return [check(examined, 'clock', 'unseen', 'did not say what time it is')];
  const apart = own - median([...offsets.values()]);
  const says = `${signedSeconds(own)} against this machine`;
  if (Math.abs(apart) > CLOCK_LIMIT_MS && offsets.size > 2) {
    const next = `chronyc tracking   or timedatectl   on ${examined.entry.name}`;
    return [check(examined, 'clock', 'problem', `${says}, ${signedSeconds(apart)} against the other hosts`, { next })];
  }
  if (Math.abs(own) <= CLOCK_LIMIT_MS) return [check(examined, 'clock', 'ok', says)];
  if (offsets.size <= 2) return [check(examined, 'clock', 'problem', says, { next: 'timedatectl   here and there' })];
  return [check(examined, 'clock', 'note', `${says}: the hosts agree, the clock of this machine is off`)];
}

function signedSeconds(milliseconds: number): string {
  return `${milliseconds < 0 ? '-' : '+'}${(Math.abs(milliseconds) / 1000).toFixed(1)} s`;
}
