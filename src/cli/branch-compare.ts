import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeAt } from '../execute/node.js';
import type { DataOnDisk } from '../execute/scratch-source.js';
import type { Reach } from '../execute/tools.js';
import type { KeyLedger } from '../model/ledger.js';
import { printable } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { renderLedger } from '../report/ledger-text.js';
import { listed, size } from '../report/quantities.js';
import { openSalvage } from '../salvage/write.js';
import { type Compared, compareKeys } from '../scratch/compare.js';
import { openScratch, type Scratch } from '../scratch/load.js';
import { localServer } from '../scratch/local-server.js';
import { createAsk } from './ask.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { diskPlace } from './disk-place.js';

/** The branches that are set aside, and the data that will serve. */
export interface Sides {
  readonly master: Side;
  readonly aside: readonly Side[];
}

/** A node and the files that hold its data. */
export interface Side {
  readonly node: string;
  readonly data: DataOnDisk;
}

/** Asks before data of the fleet is copied to this machine: how much, and onto what disk. */
export async function isWanted({ master, aside }: Sides, otherwise: string, context: Context): Promise<boolean> {
  const says = await question([master, ...aside]);
  context.stderr(`\n${says.flatMap((text) => wrap(text, context.columns)).join('\n')}\n`);
  return (await createAsk(context).choose(`Copy and compare? (Enter: ${otherwise})`, keys, 'n')) === 'y';
}

const keys = [
  { key: 'y', says: 'copy and compare' },
  { key: 'n', says: 'leave it' },
];

async function question(sides: readonly Side[]): Promise<readonly string[]> {
  const { freeBytes, encrypted } = await diskPlace(tmpdir());
  const sizes = sides.map(({ node, data }) => `${printable(node)} ${size(data.sizeBytes)}`);
  return [
    `To count in keys what is set aside, copies of data files must come to this machine (${listed(sizes)}; disk free ${size(freeBytes)}, encrypted: ${encrypted}).`,
    'They are loaded in closed servers, compared and deleted. What only the set-aside branch holds stays with the run, for `redis-runbook salvage`.',
  ];
}

/** Loads both sides in closed servers, compares, shows, and writes one bundle under `directory` for each branch. */
export async function compareAll(
  { master, aside }: Sides,
  directory: string,
  what: { readonly fleet: string; readonly group: string },
  reach: Reach,
  context: Context,
): Promise<void> {
  const right = await opened(master, reach);
  try {
    for (const side of aside) {
      const left = await opened(side, reach);
      const place = join(directory, fileName(side.node));
      const ledger = await compareOne(left, right, place, what, context).finally(() => left.scratch.end());
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
  what: { readonly fleet: string; readonly group: string },
  context: Context,
): Promise<KeyLedger> {
  await mkdir(directory, { mode: 0o700 });
  const bundle = await openSalvage(directory);
  try {
    const ledger = await compareKeys(left, right, { onOwn: bundle.take }, context.signal);
    await bundle.finish({
      ...what,
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

/** The nodes of a fleet as this command reaches them. */
export function reachOf({ hosts, inventory, passwords }: Fleet, context: Context): Reach {
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
