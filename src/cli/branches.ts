import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeAt } from '../execute/node.js';
import { type DataOnDisk, dataOnDisk } from '../execute/scratch-source.js';
import type { Reach } from '../execute/tools.js';
import type { KeyLedger } from '../model/ledger.js';
import type { Decision } from '../plan/choice.js';
import { printable } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { renderLedger } from '../report/ledger-text.js';
import { listed, size } from '../report/quantities.js';
import { openSalvage } from '../salvage/write.js';
import { type Compared, compareKeys } from '../scratch/compare.js';
import { openScratch, type Scratch } from '../scratch/load.js';
import { localServer } from '../scratch/local-server.js';
import { createAsk } from './ask.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';
import { diskPlace } from './disk-place.js';

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
      if (sides === undefined || !(await isWanted(sides, context))) return;
      directory = await mkdtemp(join(tmpdir(), 'redis-runbook-branches.'));
      await compareAll(sides, directory, judged, reachOf(fleet, context), context).catch(async (error: unknown) => {
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

interface Sides {
  readonly master: Side;
  readonly aside: readonly Side[];
}

interface Side {
  readonly node: string;
  readonly data: DataOnDisk;
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

async function isWanted({ master, aside }: Sides, context: Context): Promise<boolean> {
  const says = await question([master, ...aside]);
  context.stderr(`\n${says.flatMap((text) => wrap(text, context.columns)).join('\n')}\n`);
  return (await createAsk(context).choose('Copy and compare? (Enter: bytes and seconds only)', keys, 'b')) === 'y';
}

function tellFailed(error: unknown, context: Context): void {
  const why = error instanceof Error ? error.message : String(error);
  const says = printable(`Not compared: ${why.replace(/\.$/, '')}. Bytes and seconds only.`);
  context.stderr(`${wrap(says, context.columns).join('\n')}\n`);
}

const keys = [
  { key: 'y', says: 'copy and compare' },
  { key: 'b', says: 'bytes and seconds only' },
];

async function question(sides: readonly Side[]): Promise<readonly string[]> {
  const { freeBytes, encrypted } = await diskPlace(tmpdir());
  const sizes = sides.map(({ node, data }) => `${printable(node)} ${size(data.sizeBytes)}`);
  return [
    `To count in keys what is set aside, copies of data files must come to this machine (${listed(sizes)}; disk free ${size(freeBytes)}, encrypted: ${encrypted}).`,
    'They are loaded in closed servers, compared and deleted. What only the set-aside branch holds stays with the run, for `redis-runbook salvage`.',
  ];
}

async function compareAll(
  { master, aside }: Sides,
  directory: string,
  judged: Judged,
  reach: Reach,
  context: Context,
): Promise<void> {
  const right = await opened(master, reach);
  try {
    for (const side of aside) {
      const left = await opened(side, reach);
      const place = join(directory, fileName(side.node));
      const ledger = await compareOne(left, right, place, judged, context).finally(() => left.scratch.end());
      context.stdout(`\n${renderLedger(ledger, { width: context.columns, colour: context.colour })}`);
    }
  } finally {
    await right.scratch.end();
  }
}

async function compareOne(
  left: Compared,
  right: Compared,
  directory: string,
  judged: Judged,
  context: Context,
): Promise<KeyLedger> {
  await mkdir(directory, { mode: 0o700 });
  const bundle = await openSalvage(directory);
  try {
    const ledger = await compareKeys(left, right, { onOwn: bundle.take }, context.signal);
    await bundle.finish({
      fleet: judged.inventory.fleet,
      group: judged.diagnosis.group,
      node: left.node,
      beside: right.node,
      at: context.now().toISOString(),
      serverVersion: left.scratch.counted.version,
      ledger,
    });
    return ledger;
  } catch (error) {
    await bundle.abandon();
    throw error;
  }
}

async function opened({ node, data }: Side, reach: Reach): Promise<Compared> {
  const { named, entry } = nodeAt(reach, node);
  const server = await localServer([...entry.start.slice(0, 1), 'redis-server', 'valkey-server'], undefined);
  if (!server.ok) throw new Error(server.why);
  const limitMs = LIMIT_MS + Number(data.sizeBytes / 1_000_000n) * 200;
  const options = { server: server.server, keepExpired: true, debug: true, limitMs };
  const scratch: Scratch = await openScratch(named, data.source, options, reach.signal);
  return { node, scratch };
}

const LIMIT_MS = 300_000;

function reachOf({ hosts, inventory, passwords }: Fleet, context: Context): Reach {
  const byName = new Map(hosts.map((host) => [host.entry.name, host]));
  return {
    tools: { hosts: byName, inventory, passwords },
    memory: { readers: new Map(), credentials: new Map() },
    signal: context.signal,
  };
}

/** Node ids may hold a slash or a colon. */
function fileName(node: string): string {
  return node.replace(/[^A-Za-z0-9_.-]/g, '_');
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
