import type { Claim, ConfigFacts, FoundProcess, FoundUnit, MachineFound, Visit } from '../model/found.js';
import { isLoopback, machineOf, ownerOf } from './owner.js';

/** A config file that a node starts with, or may start with. */
export interface Candidate {
  readonly visit: Visit;
  readonly config: ConfigFacts;
  readonly process: FoundProcess | undefined;
  readonly unit: FoundUnit | undefined;
}

/** Every config file of the machines that were entered, each with the process and the unit that belong to it. */
export function candidatesOf(visits: readonly Visit[]): readonly Candidate[] {
  return visits.flatMap((visit) => {
    const machine = machineOf(visit);
    if (machine === undefined) return [];
    const configs = machine.configs.filter((config) => isHere(config, visit));
    const holders = new Map(machine.processes.map((process) => [process, configOf(process, configs, machine)]));
    return configs.map((config): Candidate => {
      const process = [...holders].find(([, held]) => held === config)?.[0];
      return { visit, config, process, unit: unitOf(config, process, machine) };
    });
  });
}

/** Processes for which no config file was found. */
export function withoutConfig(visit: Visit, candidates: readonly Candidate[]): readonly FoundProcess[] {
  const taken = new Set(candidates.flatMap(({ process }) => process ?? []));
  return (machineOf(visit)?.processes ?? []).filter((process) => !taken.has(process));
}

/** Several machines of a lab share one file system: a file is of the one whose address it binds. */
function isHere({ binds }: ConfigFacts, { address }: Visit): boolean {
  return !isLoopback(address) || address === 'localhost' || address === '127.0.0.1' || binds.includes(address);
}

/** The file that a process was started with: the one it names, else the one of its unit, else the one whose `dir` it is in. */
function configOf(
  process: FoundProcess,
  configs: readonly ConfigFacts[],
  { units }: MachineFound,
): ConfigFacts | undefined {
  if (process.config !== undefined) return configs.find(({ path }) => path === process.config);
  const fitting = configs.filter((config) => config.kind === process.kind && listensAs(process, config));
  const ofUnit = units.find(({ name }) => name === process.unit)?.configs ?? [];
  return (
    fitting.find(({ path }) => ofUnit.includes(path)) ??
    fitting.find(({ dir }) => dir !== '' && dir.replace(/\/+$/, '') === process.cwd) ??
    fitting[0]
  );
}

function listensAs({ listens }: FoundProcess, { ports, binds, socket }: ConfigFacts): boolean {
  return listens.some((endpoint) => {
    if (endpoint.startsWith('unix:')) return socket !== undefined && endpoint === `unix:${socket}`;
    const colon = endpoint.lastIndexOf(':');
    const address = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
    const isAny = ['0.0.0.0', '::', '*'].includes(address);
    return (
      ports.includes(Number(endpoint.slice(colon + 1))) &&
      (isAny ? binds.length === 0 : binds.length === 0 || binds.includes(address))
    );
  });
}

function unitOf(
  config: ConfigFacts,
  process: FoundProcess | undefined,
  { units }: MachineFound,
): FoundUnit | undefined {
  return units.find(({ configs }) => configs.includes(config.path)) ?? units.find(({ name }) => name === process?.unit);
}

/** The address that the fleet knows the node by: what it announces, what others call it, what it binds, where it was reached. */
export function addressOf({ visit, config }: Candidate, claims: readonly Claim[], visits: readonly Visit[]): string {
  if (config.announces !== undefined) return config.announces;
  const isMine = (claim: Claim) => {
    const claimer = visits.find(({ name }) => name === claim.visit);
    return (
      claim.kind === config.kind &&
      claim.port === config.port &&
      claimer !== undefined &&
      ownerOf(claim, claimer, visits) === visit
    );
  };
  const called = claims.filter(isMine).map(({ host }) => host);
  const fitting = called.find((host) => config.binds.length === 0 || config.binds.includes(host)) ?? called[0];
  const bound = config.binds.filter((address) => !isLoopback(address));
  if (fitting !== undefined) return fitting;
  if (isLoopback(visit.address) && config.binds.includes(visit.address)) return visit.address;
  const [own] = bound;
  if (own !== undefined) return own;
  const isNumber = /^[\d.]+$|:/.test(visit.address);
  return isNumber ? visit.address : (machineOf(visit)?.addresses[0] ?? config.binds[0] ?? '127.0.0.1');
}
