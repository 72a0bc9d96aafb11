import { fleetHolder } from '../backup/take/mark.js';
import { exitStatus, RunbookError } from '../errors.js';
import { openWriterTo } from '../execute/node.js';
import { ClaimLost } from '../hosts/claim.js';
import { segmentPattern } from '../hosts/glob.js';
import { toJson } from '../model/json.js';
import type { SalvageApplied } from '../model/salvage.js';
import { printable } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { fleetFlag } from '../report/next-lines.js';
import { grouped } from '../report/quantities.js';
import { applySalvage } from '../salvage/apply.js';
import { openApplyJournal } from '../salvage/journal.js';
import { proveSalvage } from '../salvage/read.js';
import { createAsk } from './ask.js';
import { reachOf } from './branch-compare.js';
import { type Fleet, lookAndJudge, openFleet } from './compose.js';
import type { Context } from './context.js';
import type { SalvageFlags } from './flags.js';
import type { Bundle } from './salvage-list.js';
import { lockBriefly, type ShortLock } from './short-lock.js';

/** A pattern as Redis has it: its wildcards match any character; without one every key. */
export function wanted(only: string | undefined): (key: Uint8Array) => boolean {
  if (only === undefined) return () => true;
  // A name of a file may not begin with a dot or hold a slash where a wildcard stands; a key may.
  const name = (text: string) => `k${text.replaceAll('/', '\u0001')}`;
  const pattern = segmentPattern(name(only));
  return (key) => pattern.test(name(Buffer.from(key).toString('utf8')));
}

/** `salvage apply`: puts back what a bundle has and the serving data lacks. */
export async function applyCommand(bundles: readonly Bundle[], flags: SalvageFlags, context: Context): Promise<number> {
  const fleet = await openFleet(context, { group: bundles[0]?.manifest.group, survey: undefined });
  try {
    if (!flags.dryRun) return await applyLocked(bundles, fleet, flags, context);
    await refuseLocked(fleet, context);
    return await applyAll(bundles, fleet, {}, flags, context);
  } finally {
    await fleet.close();
  }
}

/**
 * Under a lock of its own, not that of the run, which may still be unfinished: no recovery and no other apply begins
 * meanwhile. A person is asked before it is taken: who thinks, or goes to lunch, holds up nobody.
 */
async function applyLocked(
  bundles: readonly Bundle[],
  fleet: Fleet,
  flags: SalvageFlags,
  context: Context,
): Promise<number> {
  const agreed = flags.yes ? undefined : await agree(bundles, fleet, context);
  const run = bundles[0]?.run ?? '';
  const doing = `putting back what run ${run} set aside`;
  const lock = await lockBriefly(fleet, { run: `${run}-SALVAGE`, group: fleet.group, doing }, context);
  try {
    return await applyAll(bundles, fleet, { lock, agreed }, flags, context);
  } finally {
    await lock.release();
  }
}

interface Leave {
  /** Undefined for a dry run. */
  readonly lock?: ShortLock;
  /** The master that a person agreed to; undefined where nobody was asked. */
  readonly agreed?: string | undefined;
}

async function applyAll(
  bundles: readonly Bundle[],
  fleet: Fleet,
  { lock, agreed }: Leave,
  flags: SalvageFlags,
  context: Context,
): Promise<number> {
  const master = await masterOf(fleet, bundles, context);
  if (agreed !== undefined && agreed !== master)
    throw new RunbookError('changed', `${master} is the master by now, and ${agreed} was when you were asked.`, {
      next: ['redis-runbook status', 'the same salvage apply again asks for the new master'],
    });
  for (const bundle of bundles) await proveSalvage(bundle);
  const done = [];
  for (const bundle of bundles) done.push(await applyOne(bundle, master, fleet, lock, flags, context));
  return tellApplied(bundles, done, master, flags, context);
}

/** Sees on the master's own host that the lock is still ours. */
async function stillHeld(lock: ShortLock, node: string, { inventory }: Fleet, signal: AbortSignal): Promise<void> {
  const host = inventory.hosts.find((each) => each.nodes.some(({ id }) => id === node))?.name ?? '';
  const claimed = lock.claimed.get(host);
  if (claimed === undefined)
    throw new RunbookError('too-little-seen', `${host} could not be locked: nothing more is put back.`, {
      facts: [lock.unseen.get(host) ?? ''],
      next: ['redis-runbook doctor'],
    });
  await claimed.checkClaim?.(signal).catch((error: unknown) => {
    if (!(error instanceof ClaimLost)) throw error;
    throw new RunbookError('locked', `The lock on ${host} is another's by now: nothing more is put back.`, {
      next: ['redis-runbook status', 'the same salvage apply again goes on where this one was'],
    });
  });
}

/** Keys are put back onto a group that is served by one master, and onto no other group than theirs. */
async function masterOf(fleet: Fleet, bundles: readonly Bundle[], context: Context): Promise<string> {
  const strange = bundles.find(({ manifest }) => manifest.fleet !== fleet.inventory.fleet);
  if (strange !== undefined)
    throw new RunbookError(
      'usage',
      `These keys are of the fleet ${strange.manifest.fleet}, and this is ${fleet.inventory.fleet}.`,
      {
        next: ['redis-runbook salvage apply RUN --fleet FILE'],
      },
    );
  const judged = await lookAndJudge(fleet, context);
  const masters = (judged.survey.groups[fleet.group]?.redis ?? []).filter(
    ({ running }) => running.ok && running.value.role === 'master',
  );
  const [one, ...more] = masters;
  if (one !== undefined && more.length === 0 && judged.diagnosis.state === 'healthy') return one.node;
  throw new RunbookError(
    'blocked',
    `${fleet.group} is not served by one master that everybody follows: nothing is put back.`,
    {
      facts: judged.diagnosis.headline,
      next: ['redis-runbook status'],
    },
  );
}

/** A run may be about to stop this master, or to put another in its place. */
async function refuseLocked({ hosts }: Fleet, { signal }: Context): Promise<void> {
  const holder = await fleetHolder(hosts, signal);
  if (holder === undefined) return;
  throw new RunbookError('locked', holder.message.replace('no backup is made', 'nothing is put back'), {
    facts: holder.facts,
    next: ['redis-runbook status', 'the same salvage apply again, once that run has ended'],
  });
}

/** The master that the person agreed to. Throws `stopped` for another answer, and what keeps this from being asked at all. */
async function agree(bundles: readonly Bundle[], fleet: Fleet, context: Context): Promise<string> {
  await refuseLocked(fleet, context);
  const master = await masterOf(fleet, bundles, context);
  for (const bundle of bundles) await proveSalvage(bundle);
  const nodes = bundles.map(({ manifest }) => printable(manifest.node)).join(', ');
  const question = `Put the keys that only ${nodes} had onto ${printable(master)}? No key that exists is written over.`;
  const key = await createAsk(context).choose(question, [{ key: 'y', says: 'put them back' }]);
  if (key !== 'y') throw new RunbookError('stopped', 'stopped at a question.');
  return master;
}

async function applyOne(
  bundle: Bundle,
  node: string,
  fleet: Fleet,
  lock: ShortLock | undefined,
  flags: SalvageFlags,
  context: Context,
): Promise<SalvageApplied> {
  const what = { only: flags.only ?? '', master: node, at: context.now().toISOString() };
  const journal = flags.dryRun ? undefined : await openApplyJournal(bundle.directory, what);
  const writer = await openWriterTo(reachOf(fleet, context), node);
  try {
    const mayGoOn = async () => void (lock && (await stillHeld(lock, node, fleet, context.signal)));
    const options = { wants: wanted(flags.only), dryRun: flags.dryRun, node, mayGoOn };
    return await applySalvage(bundle, writer, journal, options, context.signal);
  } finally {
    writer.close();
    await journal?.close();
  }
}

function tellApplied(
  bundles: readonly Bundle[],
  done: readonly SalvageApplied[],
  master: string,
  flags: SalvageFlags,
  context: Context,
): number {
  const status = done.some(({ differing, tooLarge }) => differing + tooLarge > 0n)
    ? exitStatus.leftToDo
    : exitStatus.done;
  if (context.json) {
    const rows = done.map((counts, at) => ({ node: bundles[at]?.manifest.node, ...counts }));
    const result = {
      schema: 'redis-runbook/salvage-applied/1',
      type: 'result',
      master,
      dryRun: flags.dryRun,
      bundles: rows,
    };
    context.stdout(`${toJson({ ...result, exit: status })}\n`);
    return status;
  }
  for (const [at, counts] of done.entries()) {
    const node = bundles[at]?.manifest.node ?? '';
    context.stdout(
      `${wrap(sentence(printable(node), printable(master), counts, flags), context.columns).join('\n')}\n`,
    );
  }
  const run = bundles[0]?.run ?? '';
  const fleet = fleetFlag(context.fleetFile);
  const more = flags.dryRun ? [`redis-runbook salvage apply ${run}${fleet}`] : [`redis-runbook status${fleet}`];
  context.stdout(`\nNext:\n${more.map((line) => `  ${line}`).join('\n')}\n`);
  return status;
}

function sentence(node: string, master: string, counts: SalvageApplied, { dryRun, only }: SalvageFlags): string {
  const told = [
    ...(counts.there > 0n ? [`${grouped(counts.there)} exist on ${master} by now and are left as they are`] : []),
    ...(counts.expired > 0n ? [`${grouped(counts.expired)} have expired since`] : []),
    ...(counts.differing > 0n
      ? [`${grouped(counts.differing)} have another value or expiry on ${master}: a person decides`]
      : []),
    ...(counts.tooLarge > 0n
      ? [`${grouped(counts.tooLarge)} are too large for the bundle: they are in the kept files of ${node}`]
      : []),
    ...(only !== undefined && counts.passed > 0n ? [`${grouped(counts.passed)} do not match ${printable(only)}`] : []),
  ];
  const first = dryRun
    ? `${grouped(counts.wouldRestore)} keys of ${node} would be put back onto ${master}; nothing was changed`
    : `${grouped(counts.restored)} keys of ${node} were put back onto ${master}, with their own expiry`;
  return `${[first, ...told].join('. ')}.`;
}
