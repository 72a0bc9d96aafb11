import { readFile, writeFile } from 'node:fs/promises';
import { exitStatus, RunbookError } from '../errors.js';
import { toJson } from '../model/json.js';
import { word } from '../plan/commands.js';
import { diffLines } from '../redis/diff.js';
import { printableProse } from '../report/escape.js';
import { foundJson, foundLines } from '../report/found-text.js';
import { paint } from '../report/layout.js';
import { fleetFlag, nextLines } from '../report/next-lines.js';
import type { Context } from './context.js';
import type { SearchFlags } from './flags.js';
import { findFleet } from './found.js';

export interface InitFlags extends SearchFlags {
  /** Where the file is written; left out: ./fleet.yaml. */
  readonly out: string | undefined;
}

/**
 * `init HOST`: finds the fleet and writes a fleet file. Never writes over one: beside a file that is there a `.new` one
 * is written, and the difference shown. Exit 4 when a member could not be seen, 10 when something must be settled first.
 */
export async function initCommand(flags: InitFlags, context: Context): Promise<number> {
  if (flags.hosts.length === 0)
    throw new RunbookError('usage', 'init needs a machine of the fleet to begin with.', {
      next: ['redis-runbook init HOST'],
    });
  const wanted = flags.out ?? 'fleet.yaml';
  const before = await textAt(wanted);
  const path = before === undefined ? wanted : `${wanted}.new`;
  if (before !== undefined && (await textAt(path)) !== undefined) throw alreadyThere(path, wanted);
  const fleet = await findFleet(flags, 'init', { ...context, fleetFile: undefined });
  if (!context.json && !context.quiet) {
    const look = { width: context.columns, colour: context.colour, verbose: context.verbose > 0 };
    context.stdout(`${foundLines(fleet.found, look).join('\n')}\n\n`);
  }
  await writeFile(path, fleet.text, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? alreadyThere(path, wanted) : notWritten(path, error);
  });
  const { found } = fleet;
  const status =
    found.conflicts.length > 0
      ? exitStatus.leftToDo
      : found.members.every(({ known }) => known === 'seen')
        ? exitStatus.done
        : exitStatus.unseen;
  if (context.json) {
    context.stdout(`${toJson({ schema: 'redis-runbook/found/1', ...foundJson(found, path), exit: status }, 2)}\n`);
    return status;
  }
  context.stdout(
    `${[`Written: ${printableProse(path)}`, ...difference(before, fleet.text, wanted, context), '', ...next(path, wanted, context)].join('\n')}\n`,
  );
  return status;
}

function difference(before: string | undefined, after: string, wanted: string, { colour }: Context): readonly string[] {
  if (before === undefined) return [];
  const changed = diffLines(before.split('\n'), after.split('\n')).filter(({ op }) => op !== ' ');
  const shown = changed.map(({ op, text }) =>
    paint(op === '+' ? 'added' : 'removed', `  ${op} ${printableProse(text)}`, colour),
  );
  return ['', `${printableProse(wanted)} is there and stays as it is. What would be new (+) and gone (-):`, ...shown];
}

function next(path: string, wanted: string, { columns }: Context): readonly string[] {
  const flag = fleetFlag(path);
  return nextLines(
    [
      { command: `redis-runbook status${flag}`, says: 'what is true' },
      { command: `redis-runbook doctor${flag}`, says: 'whether a recovery would find what it needs' },
      ...(path === wanted
        ? []
        : [{ command: takenOver(path, wanted), says: 'once nothing of the old file is missed' }]),
    ],
    columns,
  );
}

function takenOver(path: string, wanted: string): string {
  return `mv -- ${word(path)} ${word(wanted)}`;
}

/** The text of a file, undefined when there is none. */
function textAt(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw notWritten(path, error);
  });
}

function alreadyThere(path: string, wanted: string): RunbookError {
  return new RunbookError('usage', `${path} is there already: nothing is written over it.`, {
    next: [
      ...(path === wanted ? [] : [`${takenOver(path, wanted)}   once nothing of the old file is missed`]),
      'redis-runbook init HOST --out FILE   writes it elsewhere',
    ],
  });
}

function notWritten(path: string, error: Error): RunbookError {
  return new RunbookError('usage', `${path} could not be written: ${error.message}.`, {
    next: ['redis-runbook init HOST --out FILE   writes it elsewhere'],
  });
}
