import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataOnDisk } from '../execute/scratch-source.js';
import type { Reach } from '../execute/tools.js';
import type { Decision } from '../plan/choice.js';
import { printable } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { compareAll, isWanted, reachOf, type Side, type Sides } from './branch-compare.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';

/** What branches that are set aside hold alone: counted before the choice is made, kept by the run that makes it. */
export interface Branches {
  /**
   * Offers to count in keys what the decision sets aside: copies come to this machine, are loaded in closed servers and
   * compared, and what only a set-aside branch holds is written as a bundle. Nothing happens where there is nothing to
   * compare, or nobody to ask. A comparison that fails is told and is no reason to stop: the files are kept on their node in any case.
   */
  offer(decision: Decision, judged: Judged, fleet: Fleet, context: Context): Promise<void>;
  /** Makes the bundles a part of the run. */
  keepIn(runDirectory: string): Promise<void>;
  /** Removes what no run has taken. */
  drop(): Promise<void>;
}

/** No branch was looked at yet. */
export function createBranches(): Branches {
  let directory: string | undefined;
  const drop = async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    directory = undefined;
  };
  return {
    drop,
    offer: async (decision, judged, fleet, context) => {
      const sides = await sidesToOffer(decision, judged, fleet, context);
      if (sides === undefined || !(await isWanted(sides, 'bytes and seconds only', context))) return;
      directory = await mkdtemp(join(tmpdir(), 'redis-runbook-branches.'));
      const what = { fleet: judged.inventory.fleet, group: judged.diagnosis.group };
      await compareAll(sides, directory, what, reachOf(fleet, context), context).catch(async (error: unknown) => {
        await drop();
        context.signal.throwIfAborted();
        tellFailed(error, context);
      });
    },
    keepIn: async (runDirectory) => {
      if (directory === undefined) return;
      await moveInto(directory, runDirectory);
      directory = undefined;
    },
  };
}

/** The branches that the decision sets aside, and the data of the master, where both are only in files. */
async function sidesOf(decision: Decision, judged: Judged, reach: Reach): Promise<readonly Side[]> {
  const aside = [...decision.setAside];
  const stopped = (node: string) => {
    const source = judged.diagnosis.candidates.find((each) => each.node === node)?.source;
    return source === 'rdb' || source === 'aof';
  };
  if (!stopped(decision.master)) return [];
  const nodes = [decision.master, ...aside.filter(stopped)];
  const found = await Promise.all(
    nodes.map(async (node) => ({ node, data: await dataOnDisk(reach, node).catch(() => undefined) })),
  );
  if (found[0]?.data === undefined) return [];
  return found.flatMap(({ node, data }) => (data === undefined ? [] : [{ node, data }]));
}

async function sidesToOffer(
  decision: Decision,
  judged: Judged,
  fleet: Fleet,
  context: Context,
): Promise<Sides | undefined> {
  if (!context.isTerminal || context.noInput || context.json || decision.setAside.length === 0) return undefined;
  const [master, ...aside] = await sidesOf(decision, judged, reachOf(fleet, context));
  return master === undefined || aside.length === 0 ? undefined : { master, aside };
}

function tellFailed(error: unknown, context: Context): void {
  const why = error instanceof Error ? error.message : String(error);
  const says = printable(`Not compared: ${why.replace(/\.$/, '')}. Bytes and seconds only.`);
  context.stderr(`${wrap(says, context.columns).join('\n')}\n`);
}

/** The temporary directory may be on another file system: then the bundles are copied. */
async function moveInto(from: string, runDirectory: string): Promise<void> {
  const to = join(runDirectory, 'salvage');
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    const { cp } = await import('node:fs/promises');
    await cp(from, to, { recursive: true, preserveTimestamps: true });
    await rm(from, { recursive: true, force: true });
  });
}
