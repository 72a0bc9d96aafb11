import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exitStatus, RunbookError } from '../errors.js';
import { plannedPlace } from '../execute/data-place.js';
import type { DataPlace } from '../execute/held-before.js';
import { nodeAt } from '../execute/node.js';
import { type RunRead, readRun, runsDirectory } from '../execute/run-directory.js';
import type { Reach } from '../execute/tools.js';
import type { KeptFile } from '../hosts/host.js';
import type { Action, Plan } from '../model/plan.js';
import { listed } from '../report/quantities.js';
import { salvagesIn } from '../salvage/read.js';
import type { ScratchSource } from '../scratch/load.js';
import { compareAll, isWanted, reachOf, type Side } from './branch-compare.js';
import { openFleet } from './compose.js';
import type { Context } from './context.js';
import type { SalvageFlags } from './flags.js';

/**
 * `salvage collect RUN`: a bundle of what each branch that the run set aside holds alone, from the files that it kept. Nothing of the
 * fleet is changed; copies come to this machine, so it asks. Exit statuses: the table in errors.ts.
 */
export async function collectCommand(flags: SalvageFlags, context: Context): Promise<number> {
  const run = await readRun(runsDirectory(process.env), flags.run ?? '');
  const plan = await planOf(run);
  const fleet = await openFleet(context, { group: plan.group, survey: undefined });
  try {
    const reach = reachOf(fleet, context);
    const master = await keptOf(plan.master, plan, run, reach);
    const aside = await Promise.all(plan.setAside.map((node) => keptOf(node, plan, run, reach)));
    const sides = { master, aside };
    if (!flags.yes && !(await isWanted(sides, 'not now', context)))
      throw new RunbookError('stopped', 'stopped at a question.');
    const into = join(run.directory.path, '.salvage-begun');
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { mode: 0o700 });
    await compareAll(sides, into, { fleet: fleet.inventory.fleet, group: plan.group }, reach, context);
    await rename(into, join(run.directory.path, 'salvage'));
  } finally {
    await fleet.close();
  }
  context.stdout(`\nNext:\n  redis-runbook salvage apply ${run.directory.run} --dry-run   what would be put back\n`);
  return exitStatus.leftToDo;
}

/** A plan that set something aside and has no bundle yet. */
async function planOf({ directory, plan }: RunRead): Promise<Plan> {
  if ((await salvagesIn(directory.path)).length > 0)
    throw new RunbookError('usage', `Run ${directory.run} has its bundles already.`, {
      next: [`redis-runbook salvage show ${directory.run}`],
    });
  if (plan !== undefined && plan.setAside.length > 0) return plan;
  throw new RunbookError('usage', `Run ${directory.run} set no branch aside.`, {
    next: ['redis-runbook history list'],
  });
}

/** What the run kept of a node last, by its journal, proved to be there still. */
async function keptOf(node: string, plan: Plan, { journal, directory }: RunRead, reach: Reach): Promise<Side> {
  const keeps = new Set(
    actionsOf(plan)
      .filter((each) => each.kind === 'data.keep' && each.node === node)
      .map(({ id }) => id),
  );
  const kept = journal.lines.findLast(
    ({ phase, outcome, action, detail }) =>
      phase === 'result' && outcome === 'done' && keeps.has(action) && filesOf(detail).length > 0,
  );
  const files = filesOf(kept?.detail);
  if (files.length === 0)
    throw new RunbookError('blocked', `Run ${directory.run} kept no data file of ${node}.`, {
      next: [`redis-runbook history show ${directory.run}`],
    });
  for (const file of files) await prove(file, node, directory.run, reach);
  const source = sourceOf(files, await plannedPlace(reach, node), node);
  return { node, data: { source, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n) } };
}

function actionsOf(plan: Plan): readonly Action[] {
  return plan.stages.flatMap(({ batches }) => batches.flatMap(({ lanes }) => Object.values(lanes).flat()));
}

async function prove({ kept, sha256 }: KeptFile, node: string, run: string, reach: Reach): Promise<void> {
  const hash = await nodeAt(reach, node).named.hash(kept, reach.signal);
  if (hash.ok && hash.value === sha256) return;
  throw new RunbookError('blocked', `${node}: ${kept} is not what run ${run} kept.`, {
    facts: [hash.ok ? 'its sha256 is another' : hash.detail],
    next: [`redis-runbook history show ${run}`],
  });
}

function filesOf(detail: unknown): readonly KeptFile[] {
  const files = typeof detail === 'object' && detail !== null && 'files' in detail ? detail.files : [];
  return Array.isArray(files) ? (files as readonly KeptFile[]) : [];
}

/** What the node would have loaded: its append-only files where it has them switched on, else its RDB. */
function sourceOf(files: readonly KeptFile[], place: DataPlace, node: string): ScratchSource {
  const paths = files.map(({ kept }) => kept);
  const parts = paths.filter((path) => basename(dirname(path)) === place.appenddirname);
  const manifestPath = parts.find((path) => path.endsWith('.manifest'));
  const single = paths.find((path) => basename(path) === place.appendfilename);
  const rdb = paths.find((path) => basename(path) === basename(place.rdb));
  if (place.appendonly && manifestPath !== undefined)
    return { kind: 'aof-multi', manifestPath, paths: parts.filter((path) => path !== manifestPath) };
  if (place.appendonly && single !== undefined) return { kind: 'aof', path: single };
  if (rdb !== undefined) return { kind: 'rdb', path: rdb };
  throw new RunbookError('blocked', `The kept files of ${node} hold nothing that a server loads: ${listed(paths)}.`, {
    next: ['redis-runbook salvage list'],
  });
}
