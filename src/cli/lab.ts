import { resolve } from 'node:path';
import { exitStatus, RunbookError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import type { LabOptions } from '../lab/up.js';
import type { FlagRow } from './command-table.js';

const subs = 'up, break, save, load, status, down, check, cycle, drill';

/** Every flag of `lab`, in the order in which help shows them; each says which subcommands read it. */
export const labFlags: readonly FlagRow[] = [
  { flags: '--dir <DIR>', says: 'directory of the lab (default: ./lab)', file: true },
  { flags: '--redis <N>', says: 'up, break: redis nodes (default: 3)' },
  { flags: '--sentinels <N>', says: 'up, break: sentinels (default: 5)' },
  { flags: '--quorum <N>', says: 'up, break: quorum of the group (default: 2)' },
  { flags: '--name <GROUP>', says: 'up, break: name that Sentinel monitors (default: stn-master)' },
  { flags: '--password <TEXT>', says: 'up, break: password of the redis nodes (default: a made-up one)' },
  { flags: '--persistence <KIND>', says: 'up, break: how data is kept (default: rdb)', values: ['rdb', 'aof', 'both'] },
  { flags: '--seed <N>', says: 'up, break: seed of all that varies (default: 1)' },
  { flags: '--default-timings', says: "up, break: Sentinel's own periods instead of fast ones" },
  {
    flags: '--stop <HOW>',
    says: 'break, cycle: SIGTERM or SIGKILL (default: crash for all-down, else clean)',
    values: ['clean', 'crash'],
  },
  { flags: '--limit <SECONDS>', says: 'cycle, drill: how long to wait (default: 60)' },
  {
    flags: '--not-expected <NODE[@TIME]>',
    says: 'check: writes that the verdict set aside or found on no disk, of a NODE or any, from an ISO TIME on',
    many: true,
  },
  { flags: '--data-of <NODE>', says: 'check: the master should hold what the record says that NODE held' },
  { flags: '--remove', says: "down: remove the lab's files too" },
];

type Out = (line: string) => void;
type Flags = Readonly<Record<string, unknown>>;

/**
 * Runs `lab SUB` and returns the exit status. `flags` has commander's camel-cased names (`defaultTimings`). Throws
 * RunbookError (`usage`, `lab`, `redis-missing`).
 */
export async function labCommand(sub: string, args: readonly string[], flags: Flags, out: Out): Promise<number> {
  switch (sub) {
    case 'up':
      return up(flags, out);
    case 'break':
      return breakIt(args, flags, out);
    case 'save':
      out(`Saved in ${(await opened(flags)).save(args[0] ?? 'lab')}`);
      return exitStatus.done;
    case 'load':
      return load(args, flags, out);
    case 'status':
      return status(flags, out);
    case 'down':
      await (await opened(flags)).down({ remove: flags.remove === true });
      out('The lab is down.');
      return exitStatus.done;
    case 'check':
      return check(flags, out);
    case 'cycle':
      return cycle(flags, out);
    case 'drill':
      return drill(flags, out);
    default:
      throw usage(`lab has ${subs}; not ${JSON.stringify(sub)}.`);
  }
}

async function up(flags: Flags, out: Out): Promise<number> {
  const { labUp } = await import('../lab/up.js');
  const began = Date.now();
  const lab = await labUp(optionsOf(flags));
  out(`The lab is up after ${seconds(Date.now() - began)}: ${lab.hosts.length} hosts, master ${await lab.master()}.`);
  out(`Its fleet.yaml is ${lab.fleetFile}`);
  return exitStatus.done;
}

async function breakIt(args: readonly string[], flags: Flags, out: Out): Promise<number> {
  const { scenarioOf } = await import('../lab/scenarios/index.js');
  const scenario = scenarioOf(args[0] ?? 'cascade');
  const stop = stopOf(flags);
  const lab = await openedOrNew({ persistence: scenario.persistence[0], ...flags }, flags, out);
  const broken = await lab.break({ scenario: scenario.name, ...(stop === undefined ? {} : { stop }) }, (line) =>
    out(`  ${line}`),
  );
  const left = lab.running().length;
  out(
    `Broken after ${seconds(broken.elapsedMs)}: ${left === 0 ? 'nothing' : `${left} processes`} of the lab ${left > 1 ? 'run' : 'runs'}.`,
  );
  out(`Next: redis-runbook recover --fleet ${lab.fleetFile}`);
  return exitStatus.done;
}

/** A lab that is there is used; where there is none, or only one that is down, a new one comes up. */
async function openedOrNew(forNew: Flags, flags: Flags, out: Out): Promise<Lab> {
  const { labUp } = await import('../lab/up.js');
  const lab = await opened(flags).catch(() => undefined);
  if (lab === undefined || !lab.state().up) {
    out('Bringing up a lab');
    return labUp(optionsOf(forNew));
  }
  const wanted = flags.persistence;
  const has = lab.state().persistence;
  if (wanted === undefined || wanted === has) return lab;
  throw new RunbookError('lab', `This lab has --persistence ${has}.`, { next: ['redis-runbook lab down'] });
}

async function load(args: readonly string[], flags: Flags, out: Out): Promise<number> {
  const { labLoad } = await import('../lab/up.js');
  const lab = await labLoad(args[0] ?? 'lab', { directory: directoryOf(flags) });
  out(`Loaded in ${lab.directory}, on ${lab.state().claim.block}.0/24. Nothing of it runs.`);
  return exitStatus.done;
}

async function status(flags: Flags, out: Out): Promise<number> {
  const lab = await opened(flags);
  for (const line of await lab.statusText()) out(line);
  return exitStatus.done;
}

async function check(flags: Flags, out: Out): Promise<number> {
  const { writesText } = await import('../lab/judge.js');
  const lab = await opened(flags);
  const dataOf = textOf(flags, 'dataOf');
  const checked = await lab.checkWrites({
    notExpected: notExpectedOf(flags),
    ...(dataOf === undefined ? {} : { dataOf }),
  });
  for (const line of writesText(checked)) out(line);
  return checked.missing.length + checked.extra.length === 0 ? exitStatus.done : exitStatus.unhealthy;
}

async function cycle(flags: Flags, out: Out): Promise<number> {
  const lab = await opened(flags);
  const stop = stopOf(flags);
  const cycled = await lab.powerCycle({ ...(stop === undefined ? {} : { stop }), limitMs: limitMsOf(flags) });
  out(`All off and on again in ${seconds(cycled.elapsedMs)}: master ${cycled.master ?? 'none'}.`);
  if (cycled.held.length > 0) out(`Held, still off: ${cycled.held.join(', ')}`);
  return exitStatus.done;
}

async function drill(flags: Flags, out: Out): Promise<number> {
  const drilled = await (await opened(flags)).failoverDrill(limitMsOf(flags));
  out(`${drilled.from} was killed; ${drilled.to} is master after ${seconds(drilled.elapsedMs)}.`);
  return exitStatus.done;
}

async function opened(flags: Flags): Promise<Lab> {
  const { openLab } = await import('../lab/lab.js');
  return openLab(directoryOf(flags));
}

function optionsOf(flags: Flags): LabOptions {
  const given = {
    redis: numberOf(flags, 'redis'),
    sentinels: numberOf(flags, 'sentinels'),
    quorum: numberOf(flags, 'quorum'),
    seed: numberOf(flags, 'seed'),
    group: textOf(flags, 'name'),
    password: textOf(flags, 'password'),
    persistence: choiceOf(flags, 'persistence', ['rdb', 'aof', 'both'] as const),
  };
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...options, directory: directoryOf(flags), defaultTimings: flags.defaultTimings === true };
}

function notExpectedOf(flags: Flags) {
  const given = flags.notExpected;
  const words = Array.isArray(given) ? given.map(String) : [];
  return words.map((word) => {
    const [node = '', time] = word.split('@');
    const sinceMs = time === undefined ? undefined : Date.parse(time);
    if (Number.isNaN(sinceMs)) throw usage(`--not-expected ${word}: ${time} is not an ISO 8601 time.`);
    return {
      ...(node === 'any' ? {} : { node }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      why: `--not-expected ${word}`,
    };
  });
}

function directoryOf(flags: Flags): string {
  return resolve(textOf(flags, 'dir') ?? './lab');
}

function limitMsOf(flags: Flags): number {
  return (numberOf(flags, 'limit') ?? 60) * 1000;
}

function stopOf(flags: Flags) {
  return choiceOf(flags, 'stop', ['clean', 'crash'] as const);
}

function choiceOf<T extends string>(flags: Flags, name: string, choices: readonly T[]): T | undefined {
  const text = textOf(flags, name);
  const choice = choices.find((one) => one === text);
  if (text !== undefined && choice === undefined) throw usage(`--${name} is ${choices.join(', ')}, not ${text}.`);
  return choice;
}

function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

function numberOf(flags: Flags, name: string): number | undefined {
  const value = flags[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number)) throw usage(`--${name} is a whole number, not ${JSON.stringify(value)}.`);
  return number;
}

function usage(message: string): RunbookError {
  return new RunbookError('usage', message);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
