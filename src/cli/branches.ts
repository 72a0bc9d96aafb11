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
import type { Ask } from './ask.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';
import { diskPlace } from './disk-place.js';

/** What was compared before a choice was made, and the bundles that came of it, until a run takes them. */
export interface Branches {
  readonly ledgers: readonly KeyLedger[];
  /** Makes the bundles a part of the run. */
  keepIn(runDirectory: string): Promise<void>;
  /** Removes what no run has taken. */
  drop(): Promise<void>;
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

/**
 * Offers to count in keys what the decision sets aside: copies come to this machine, are loaded in closed servers and compared, and
 * what only the set-aside branch holds is written as a bundle. Undefined when there is nothing to compare, nobody to ask, or the
 * answer is no. A comparison that fails is told and is no reason to stop: the files are kept on their node in any case.
 */
export async function offerComparison(
  decision: Decision,
  judged: Judged,
  fleet: Fleet,
  ask: Ask,
  context: Context,
): Promise<Branches | undefined> {
  if (!context.isTerminal || context.noInput || context.json || decision.setAside.length === 0) return undefined;
  const reach = reachOf(fleet, context);
  const sides = await sidesOf(decision, judged, reach);
  const [master, ...aside] = sides;
  if (master === undefined || aside.length === 0) return undefined;
  context.stderr(`\n${(await question(sides)).flatMap((text) => wrap(text, context.columns)).join('\n')}\n`);
  if ((await ask.choose('Copy and compare? (Enter: no)', keys, 'b')) !== 'y') return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'redis-runbook-branches.'));
  const drop = () => rm(directory, { recursive: true, force: true });
  try {
    const ledgers = await compareAll(master, aside, directory, judged, reach, context);
    return { ledgers, drop, keepIn: (run) => moveInto(directory, run) };
  } catch (error) {
    await drop();
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    context.stderr(`${wrap(printable(`Not compared: ${why}. Bytes and seconds only.`), context.columns).join('\n')}\n`);
    return undefined;
  }
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
  master: Side,
  aside: readonly Side[],
  directory: string,
  judged: Judged,
  reach: Reach,
  context: Context,
): Promise<readonly KeyLedger[]> {
  const right = await opened(master, reach);
  try {
    const ledgers: KeyLedger[] = [];
    for (const side of aside) {
      const left = await opened(side, reach);
      try {
        const ledger = await compareOne(left, right, join(directory, fileName(side.node)), judged, context);
        ledgers.push(ledger);
        context.stdout(`\n${renderLedger(ledger, { width: context.columns, colour: context.colour })}`);
      } finally {
        await left.scratch.end();
      }
    }
    return ledgers;
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
