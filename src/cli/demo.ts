import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitStatus } from '../errors.js';
import { listRuns, runsDirectory } from '../execute/run-directory.js';
import type { Lab } from '../lab/lab.js';
import { paint, wrap } from '../report/layout.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';

const cascade = [
  'pv1, the master, was shut down; Sentinel promoted another node.',
  'That one was shut down, too; Sentinel promoted the last one.',
  'Then everything went off. Three nodes hold three different states, and each file says "I am master".',
].join(' ');

/**
 * `lab demo`: a fleet of real processes is broken and recovered without a question, compared with the record of every
 * write that it acknowledged, and taken down. Exit 0 only when the fleet was healthy and nothing was missing.
 */
export async function demoCommand(flags: Readonly<Record<string, unknown>>, context: Context): Promise<number> {
  const { labUp } = await import('../lab/up.js');
  const above = await mkdtemp(join(tmpdir(), 'redis-runbook-demo-'));
  const directory = join(above, 'lab');
  const seed = Number(flags.seed ?? 7);
  say(
    context,
    `A fleet of three redis and five sentinels is starting on loopback addresses of this machine, in ${directory}.`,
  );
  const lab = await labUp({ directory, seed, ownerPid: process.pid });
  try {
    return await demonstrate(lab, context);
  } finally {
    await lab.down({ remove: true });
    await rm(above, { recursive: true, force: true });
  }
}

async function demonstrate(lab: Lab, context: Context): Promise<number> {
  const { statusCommand } = await import('./status.js');
  const { recoverCommand } = await import('./recover.js');
  const inLab: Context = { ...context, fleetFile: lab.fleetFile };
  const look = { group: undefined, survey: undefined, hosts: [], conf: [], why: false, watch: false, save: undefined };
  heading(context, 'The disaster: real writes, real kills, real failovers');
  await lab.break({ scenario: 'cascade', stop: 'clean' }, (line) => context.stdout(`  ${line}\n`));
  say(context, cascade);
  heading(context, 'redis-runbook status');
  await statusCommand(look, inLab);
  heading(context, 'redis-runbook recover --yes');
  const recovered = await recoverCommand({ ...noFlags, yes: true }, inLab);
  heading(context, 'redis-runbook status');
  const healthy = await statusCommand(look, inLab);
  const checked = await lab.checkWrites();
  const good =
    recovered === exitStatus.done && healthy === exitStatus.done && checked.missing.length + checked.extra.length === 0;
  heading(context, 'The record of every write that the fleet had acknowledged');
  say(
    context,
    `${checked.expected} had to be there: missing ${checked.missing.length}, extra ${checked.extra.length}.`,
  );
  say(context, `The report of this recovery: ${await newestReport()}`);
  say(
    context,
    `${good ? 'The fleet is healthy.' : 'The fleet is NOT as it should be.'} It is taken down now; nothing of it keeps running.`,
  );
  return good ? exitStatus.done : exitStatus.unhealthy;
}

const noFlags: RecoverFlags = {
  group: undefined,
  survey: undefined,
  hosts: [],
  conf: [],
  dryRun: false,
  yes: false,
  step: false,
  path: undefined,
  promote: undefined,
  setAside: [],
  acceptLoss: undefined,
  without: [],
  hostIsOff: [],
  reason: undefined,
  out: undefined,
  markdown: false,
  wait: undefined,
  detach: false,
  takeOver: undefined,
};

async function newestReport(): Promise<string> {
  const newest = (await listRuns(runsDirectory(process.env))).at(-1);
  return newest === undefined ? 'none was written' : join(newest.path, 'report.md');
}

function heading(context: Context, text: string): void {
  context.stdout(`\n${paint('verdict', `== ${text}`, context.colour)}\n`);
}

function say(context: Context, text: string): void {
  context.stdout(`${wrap(text, context.columns).join('\n')}\n`);
}
