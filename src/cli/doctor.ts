import { judgeReadiness } from '../diagnosis/readiness/judge.js';
import { exitStatus, RunbookError } from '../errors.js';
import { sudoersLine } from '../hosts/remote/root-commands.js';
import { loadInventory } from '../inventory/load.js';
import { nearest } from '../inventory/nearest.js';
import { resolvePasswords } from '../inventory/passwords.js';
import type { HostEntry, Inventory } from '../model/inventory.js';
import { toJson } from '../model/json.js';
import type { HostKeySight } from '../model/readiness.js';
import { doctorHeadline, renderDoctor, renderDoctorJson } from '../report/doctor-text.js';
import { fleetFlag } from '../report/next-lines.js';
import { createAsk } from './ask.js';
import type { Context } from './context.js';
import { examine } from './examine.js';
import { hostOpener } from './open-host.js';
import { accountsOf, sudoersText } from './sudoers.js';

export interface DoctorFlags {
  /** Names of hosts; empty = all. */
  readonly hosts: readonly string[];
  readonly sudoers: boolean;
}

/** `doctor`: what a recovery will need of every host, tried on a quiet day. Exit 0 all good, 1 problems, 4 could not see. */
export async function doctorCommand(flags: DoctorFlags, context: Context): Promise<number> {
  const file = context.fleetFile;
  if (file === undefined)
    throw new RunbookError('no-fleet', 'There is no fleet.yaml here, and no --fleet was given.', {
      next: ['redis-runbook doctor --fleet FILE', 'redis-runbook schema   shows every key of a fleet file'],
    });
  const whole = await loadInventory(file);
  const hosts = chosenHosts(whole, flags.hosts);
  if (flags.sudoers) return showSudoers(whole, hosts, context);
  return showReadiness({ ...whole, hosts }, context);
}

function chosenHosts({ hosts, file }: Inventory, wanted: readonly string[]): readonly HostEntry[] {
  const names = hosts.map(({ name }) => name);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return wanted.length === 0 ? hosts : hosts.filter(({ name }) => wanted.includes(name));
  const near = nearest(unknown, names);
  throw new RunbookError('usage', `${file} has no host ${unknown}.`, {
    facts: near === undefined ? [] : [`did you mean ${near}?`],
    next: [`one of ${names.join(', ')}`],
  });
}

async function showSudoers(inventory: Inventory, hosts: readonly HostEntry[], context: Context): Promise<number> {
  const { accounts, without } = await accountsOf(hosts, context.signal);
  if (!context.json) {
    context.stdout(sudoersText(accounts, without));
    return exitStatus.done;
  }
  const lines = accounts.map(({ user, hosts: on }) => ({ user, hosts: on, lines: [sudoersLine(user)] }));
  const { fleet } = inventory;
  context.stdout(`${toJson({ schema: 'redis-runbook/sudoers/1', fleet, accounts: lines, without }, 2)}\n`);
  return exitStatus.done;
}

async function showReadiness(inventory: Inventory, context: Context): Promise<number> {
  const began = context.now();
  const passwords = await resolvePasswords(inventory, (question) => createAsk(context).secret(question));
  const sights = new Map<string, readonly HostKeySight[]>();
  const opener = hostOpener(context, (host, sight) => {
    const others = (sights.get(host) ?? []).filter(({ machine }) => machine !== sight.machine);
    sights.set(host, [...others, sight]);
  });
  const hosts = await Promise.all(inventory.hosts.map(opener.open));
  try {
    const keysOf = (host: string) => sights.get(host) ?? [];
    const { examined, survey } = await examine({ inventory, passwords, hosts, keysOf }, context);
    const when = { at: began.toISOString(), elapsedMs: context.now().getTime() - began.getTime() };
    const readiness = judgeReadiness(examined, survey, when);
    const look = { width: context.columns, colour: context.colour };
    if (context.json) context.stdout(renderDoctorJson(readiness));
    else if (context.quiet) context.stdout(`${doctorHeadline(readiness, look).join('\n')}\n`);
    else
      context.stdout(
        renderDoctor(readiness, {
          ...look,
          verbose: context.verbose > 0,
          utcOffsetMinutes: -context.now().getTimezoneOffset(),
          fleetFlag: fleetFlag(context.fleetFile),
        }),
      );
    return readiness.exit;
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
  }
}
