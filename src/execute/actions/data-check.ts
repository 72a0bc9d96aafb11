import type { ActionOf } from '../../model/plan.js';
import { loadScratch, type ScratchSource } from '../../scratch/load.js';
import { type AofOnDisk, type DataPlace, findAof, plannedPlace } from '../data-place.js';
import { rdbDamage, readAof, readRdb } from '../data-read.js';
import { nodeAt } from '../node.js';
import type { ActionModule, At, CheckedData } from '../tools.js';

type Check = ActionOf<'data.check'>;

interface Found extends CheckedData {
  readonly from: string;
}

/**
 * What a stopped node will load at its next start, from its files: an RDB is read to its end, an append-only file is
 * loaded from copies in a closed server (for a replica, whose data is replaced anyway, only read). A master that would
 * load nothing while the plan expects keys is refused.
 */
export const dataCheck: ActionModule<'data.check'> = {
  changes: false,
  undo: 'none needed: nothing is changed',
  look: async () => ({ state: 'not-done', says: 'checked each time' }),
  act: async (action, at) => {
    const place = await plannedPlace(at, action.node);
    const found = place.appendonly ? await fromAof(action, place, at) : await fromRdb(action, place, at);
    if (action.as === 'master') {
      refuseEmpty(action, found);
      at.memory.checked.set(action.node, { keys: found.keys, expires: found.expires });
    }
    return { says: `would load ${found.from}`, detail: { keys: found.keys, expires: found.expires } };
  },
};

function refuseEmpty(action: Check, found: Found): void {
  if (found.keys > 0n || action.expectedKeys === undefined || action.expectedKeys === 0n) return;
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
  for (const file of aof.files) {
    const scan = await readAof(host, file.path, at.signal);
    if (scan.tail !== 'clean' && file !== aof.files.at(-1))
      throw new Error(`${file.path} is torn, and it is not the last`);
    if (scan.tail !== 'clean') await at.evidence(`${file.path}: its end is ${scan.tail}`);
  }
  if (action.as === 'replica') return nothing(`append-only files that are whole, ${aof.files.length} of them`);
  const loaded = await loadScratch(host, sourceOf(aof), { server: entry.start[0] ?? 'redis-server' }, at.signal);
  const open = loaded.confined ? '' : `, not confined: ${loaded.notConfinedWhy}`;
  await at.evidence(`loaded in a scratch server: ${loaded.keys} keys${open}`, { ...loaded });
  return { keys: loaded.keys, expires: loaded.expires, from: `${loaded.keys} keys from its append-only file` };
}

function sourceOf(aof: AofOnDisk): ScratchSource {
  const paths = aof.files.map(({ path }) => path);
  if (aof.manifest) return { kind: 'aof-multi', manifestPath: aof.manifest.path, paths };
  return { kind: 'aof', path: paths[0] ?? '' };
}
