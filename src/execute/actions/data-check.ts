import type { ActionOf } from '../../model/plan.js';
import type { AofScan } from '../../redis/aof.js';
import { loadScratch, refuseForeign } from '../../scratch/load.js';
import { localServer } from '../../scratch/local-server.js';
import { filesNow, findAof, plannedPlace } from '../data-place.js';
import { rdbDamage, readAof, readRdb } from '../data-read.js';
import type { DataPlace } from '../held-before.js';
import { nodeAt } from '../node.js';
import { aofSource } from '../scratch-source.js';
import type { Acted, ActionModule, At, CheckedData } from '../tools.js';

type Check = ActionOf<'data.check'>;

/** `keys` is left out where only a server that loads the files could count them. */
interface Found extends Partial<CheckedData> {
  readonly from: string;
}

/**
 * What a stopped node will load at its next start, from its files: an RDB is read to its end, an append-only file is
 * loaded from copies in a closed server (for a replica, whose data is replaced anyway, and where this machine has no
 * server that is new enough, only read). A master that would load nothing while the plan expects keys is refused.
 */
export const dataCheck: ActionModule<'data.check'> = {
  changes: false,
  undo: { none: 'nothing is changed' },
  whenFinished: 'repeat',
  until: ['service.start'],
  look: async () => ({ state: 'not-done', says: 'checked each time' }),
  act: async (action, at) => {
    const place = await plannedPlace(at, action.node);
    const held = at.memory.stopped.get(action.node);
    if (held !== undefined && (await filesNow(at, action.node, place)) === held.files)
      return fromStop(action, place, held, at);
    const found = place.appendonly ? await fromAof(action, place, at) : await fromRdb(action, place, at);
    if (action.as === 'master') {
      refuseEmpty(action, found);
      const { keys, expires = 0n } = found;
      if (keys !== undefined) at.memory.checked.set(action.node, { keys, expires });
    }
    return { says: `would load ${found.from}`, detail: { keys: found.keys, expires: found.expires } };
  },
};

/**
 * A node that this run stopped a moment ago, and whose files are those that it left: what it held is known, and to read them
 * to their ends once more would be downtime that grows with them. The master's own load is the rest of the proof: it must
 * give as many keys before anybody may write.
 */
function fromStop(action: Check, place: DataPlace, held: CheckedData, at: At): Acted {
  const { keys, expires } = held;
  const files = place.appendonly ? 'its append-only files' : place.rdb;
  const found = { keys, expires, from: `the ${keys} keys that it held when it was stopped, from ${files}` };
  if (action.as === 'master') {
    refuseEmpty(action, found);
    at.memory.checked.set(action.node, { keys, expires });
  }
  return { says: `would load ${found.from}`, detail: { keys, expires } };
}

function refuseEmpty(action: Check, found: Found): void {
  if (found.keys === undefined || found.keys > 0n || action.expectedKeys === undefined || action.expectedKeys === 0n)
    return;
  throw new Error(
    `${action.node} would load ${found.from}, and ${action.expectedKeys} keys are expected: an empty master`,
  );
}

async function fromRdb(action: Check, place: DataPlace, at: At): Promise<Found> {
  const { named: host } = nodeAt(at, action.node);
  const stat = await host.stat(place.rdb);
  if (!stat.ok && stat.why === 'absent') return nothing('nothing: there is no RDB file');
  const summary = await readRdb(host, place.rdb, at.signal);
  const damage = rdbDamage(summary);
  if (damage !== undefined) throw new Error(`${place.rdb} cannot be loaded: ${damage}`);
  const keys = summary.keys ?? 0n;
  return { keys, expires: summary.expires ?? 0n, from: `${keys} keys from ${place.rdb}` };
}

function nothing(from: string): Found {
  return { keys: 0n, expires: 0n, from };
}

async function fromAof(action: Check, place: DataPlace, at: At): Promise<Found> {
  const { named: host, entry } = nodeAt(at, action.node);
  const aof = await findAof(at, action.node, place);
  if (!aof) return nothing('nothing: appendonly is yes and there is no append-only file');
  if (aof.missing.length > 0) throw new Error(`the manifest lists files that are not there: ${aof.missing.join(', ')}`);
  const scans: AofScan[] = [];
  for (const file of aof.files) {
    const scan = await readAof(host, file.path, at.signal);
    scans.push(scan);
    if (scan.tail !== 'clean' && file !== aof.files.at(-1))
      throw new Error(`${file.path} is torn, and it is not the last`);
    if (scan.tail !== 'clean') await at.evidence(`${file.path}: its end is ${scan.tail}`);
  }
  if (action.as === 'replica') return nothing(`append-only files that are whole, ${aof.files.length} of them`);
  aof.files.forEach((file, index) => {
    const scan = scans[index];
    if (scan) refuseForeign(file.path, scan);
  });
  const newest = Math.max(0, ...scans.map((scan) => scan.preamble?.version ?? 0));
  const programs = [...entry.start.slice(0, 1), 'redis-server', 'valkey-server'];
  const local = await localServer(programs, newest === 0 ? undefined : newest);
  if (!local.ok) return readOnly(scans, local.why, at);
  const loaded = await loadScratch(host, aofSource(aof), { server: local.server }, at.signal);
  const open = loaded.confined ? '' : `, not confined: ${loaded.notConfinedWhy}`;
  await at.evidence(`loaded in a scratch server: ${loaded.keys} keys${open}`, { ...loaded });
  return { keys: loaded.keys, expires: loaded.expires, from: `${loaded.keys} keys from its append-only file` };
}

/** Without a server the keys are counted only where no command follows them; a base that is not whole is refused. */
async function readOnly(scans: readonly AofScan[], why: string, at: At): Promise<Found> {
  const bases = scans.flatMap((scan) => scan.preamble ?? []);
  for (const base of bases) {
    const damage = rdbDamage(base);
    if (damage !== undefined) throw new Error(`the RDB base of its append-only files cannot be loaded: ${damage}`);
  }
  const keys = bases.reduce((sum, base) => sum + (base.keys ?? 0n), 0n);
  const expires = bases.reduce((sum, base) => sum + (base.expires ?? 0n), 0n);
  const commands = scans.reduce((sum, scan) => sum + scan.commands, 0);
  await at.evidence(`read to the end and not loaded: ${why}`, { keys, commands });
  const from = `${keys} keys and ${commands} commands from its append-only files (read, not loaded: ${why})`;
  return commands === 0 ? { keys, expires, from } : { from };
}
