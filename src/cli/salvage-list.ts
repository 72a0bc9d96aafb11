import { exitStatus } from '../errors.js';
import { listRuns, runsDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import { printable } from '../report/escape.js';
import { table } from '../report/layout.js';
import { grouped } from '../report/quantities.js';
import { lastAppliedOf } from '../salvage/journal.js';
import { type Salvage, salvagesIn } from '../salvage/read.js';
import type { Context } from './context.js';

/** A bundle and the run that it is of. */
export interface Bundle extends Salvage {
  readonly run: string;
}

/** `salvage list`: the bundles of all runs of this machine, newest first. */
export async function listSalvages(context: Context): Promise<number> {
  const runs = [...(await listRuns(runsDirectory(process.env)))].reverse();
  const found = await Promise.all(
    runs.map(async ({ run, path }) => (await salvagesIn(path)).map((one) => ({ ...one, run }))),
  );
  const rows = await Promise.all(found.flat().map(rowOf));
  if (context.json) context.stdout(`${toJson({ schema: 'redis-runbook/salvages/1', salvages: rows }, 2)}\n`);
  else if (rows.length === 0) context.stdout('No run of this machine has set keys aside in a bundle.\n');
  else context.stdout(`${listTable(rows, context).join('\n')}\n`);
  return exitStatus.done;
}

async function rowOf({ run, directory, manifest }: Bundle) {
  const applied = await lastAppliedOf(directory);
  const { onlyLeft, different, otherExpiry } = manifest.ledger;
  return {
    run,
    at: manifest.at,
    group: manifest.group,
    node: manifest.node,
    beside: manifest.beside,
    only: onlyLeft.keys,
    different: different.keys + otherExpiry.keys,
    applied: applied === undefined ? 'no' : applied.ended ? 'yes' : 'begun',
    restored: applied?.counts?.restored ?? 0n,
  };
}

function listTable(rows: readonly Awaited<ReturnType<typeof rowOf>>[], context: Context): readonly string[] {
  const columns = [
    { title: 'RUN' },
    { title: 'MADE', drop: 1 },
    { title: 'GROUP', drop: 2 },
    { title: 'SET ASIDE' },
    { title: 'KEYS ONLY THERE', align: 'right' as const },
    { title: 'DIFFERENT', align: 'right' as const },
    { title: 'PUT BACK', align: 'right' as const },
  ];
  const cells = rows.map((row) => ({
    cells: [
      row.run,
      row.at.slice(0, 16),
      printable(row.group),
      printable(row.node),
      grouped(row.only),
      grouped(row.different),
      row.applied === 'no' ? '-' : `${grouped(row.restored)}${row.applied === 'begun' ? ' (begun)' : ''}`,
    ],
  }));
  return table(columns, cells, { width: context.columns, colour: context.colour });
}
