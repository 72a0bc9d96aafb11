import type { Checked, CheckedFile } from './check.js';
import type { Machine } from './fleet.js';
import { kinds, placeOf } from './kinds.js';
import type { Machines } from './shapes.js';

type Reached = Extract<Checked, { readonly reachable: true }>;

/**
 * Everything that a recovery changed on the machines and had no business with, in words: what starts at boot, unit files
 * and drop-ins, init scripts, owners and modes of config files, files beside them; and holds, locks and temporary files that
 * it left. Data, kept files and the text of redis.conf and sentinel.conf are what a recovery is for.
 */
export function meddledWith(
  machines: Machines,
  before: readonly Checked[],
  after: readonly Checked[],
): readonly string[] {
  return machines.hosts.flatMap((machine) => {
    const old = before.find(({ host }) => host === machine.name);
    const now = after.find(({ host }) => host === machine.name);
    if (!old?.reachable || !now?.reachable) return [`${machine.name}: not reachable`];
    if (!old.files.some(({ path }) => /^\/(etc\/init\.d|lib\/systemd\/system)\//.test(path)))
      return [`${machine.name}: no unit file and no init script was seen`];
    return [...settingsOf(machine, old, now), ...leftOn(now)].map((text) => `${machine.name}: ${text}`);
  });
}

function settingsOf(machine: Machine, old: Reached, now: Reached): readonly string[] {
  const [was, is] = [old, now].map((one) => factsOf(machine, one));
  const names = [...new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])].sort();
  return names.flatMap((name) => {
    const [a = 'nothing', b = 'nothing'] = [was?.get(name), is?.get(name)];
    return a === b ? [] : [`${name}: ${a}, then ${b}`];
  });
}

function factsOf(machine: Machine, one: Reached): ReadonlyMap<string, string> {
  const { family } = kinds[machine.kind];
  const configs = (['redis', 'sentinel'] as const).map((node) => placeOf(machine.kind, node).config);
  const ours = ['/var/lib/redis-runbook/', `/var/lib/${family}/`];
  const files = one.files.filter(({ path }) => !ours.some((directory) => path.startsWith(directory)));
  return new Map([
    ...Object.entries(one.units).map(([unit, { enabled }]) => [`${unit} at boot`, enabled] as const),
    ...one.links.map((link) => [`link ${link}`, 'there'] as const),
    ...files.map((file) => [file.path, textOf(file, configs.includes(file.path))] as const),
  ]);
}

function textOf({ sha256, mode, owner }: CheckedFile, isConfig: boolean): string {
  return isConfig ? `${mode} ${owner}` : `${mode} ${owner} ${sha256}`;
}

/** Of a run that ended well nothing may be left but what it kept. */
function leftOn(now: Reached): readonly string[] {
  const left = now.files.filter(({ path }) =>
    /^\/var\/lib\/redis-runbook\/(hold\/|lock)|redis-runbook-hold|\/\.[^/]+\.redis-runbook-\w{10}$/.test(path),
  );
  return left.map(({ path }) => `${path} is left`);
}

/** The lines of redis.conf and sentinel.conf that give a role on each machine, as a fleet with this master must have them. */
export function wrongRoles(machines: Machines, after: readonly Checked[], master: string): readonly string[] {
  const address = machines.hosts.find(({ name }) => name === master)?.address ?? '';
  return machines.hosts.flatMap((machine) => {
    const one = after.find(({ host }) => host === machine.name);
    if (!one?.reachable) return [`${machine.name}: not reachable`];
    const [redis, sentinel] = (['redis', 'sentinel'] as const).map((node) => {
      const { config } = placeOf(machine.kind, node);
      const lines = one.roles.filter((line) => line.startsWith(`${config}:`));
      return lines.map((line) => line.slice(config.length + 1).split(/\s+/));
    });
    const follows = redis?.map(([, ...words]) => words.join(' ')) ?? [];
    const watches = sentinel?.map(([, , ...words]) => words.slice(0, 3).join(' ')) ?? [];
    const wanted = machine.runs.includes('redis') && machine.name !== master ? [`${address} 6379`] : [];
    const wrong = machine.runs.includes('redis') && follows.join() !== wanted.join();
    return [
      ...(wrong ? [`${machine.name} follows ${follows.join() || 'nobody'}, not ${wanted.join() || 'nobody'}`] : []),
      ...(watches.join() === `${machines.group} ${address} 6379` ? [] : [`${machine.name} watches ${watches.join()}`]),
    ];
  });
}
