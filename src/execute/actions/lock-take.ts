import type { WritableHost } from '../../hosts/host.js';
import { myIdentity } from '../../hosts/process-identity.js';
import type { ActionOf } from '../../model/plan.js';
import { findLocks, firstFile } from '../fleet-lock.js';
import { createLock, type HeldLock, lockPath, readLock, updateLock } from '../lock.js';
import { type LockFile, newLock } from '../lock-file.js';
import { isLeftBehind } from '../lock-standing.js';
import { lockedBy } from '../lock-words.js';
import { hostOf } from '../node.js';
import type { Acted, ActionModule, At } from '../tools.js';

/**
 * Takes the fleet's lock on one host: made exclusively. A lock that this operator's own dead run left, or that was handed
 * over to this operator, is taken over. Rejects with RunbookError `locked` and the holder.
 */
export const lockTake: ActionModule<'lock.take'> = {
  changes: false,
  undo: { none: 'the lock is given back when all else is' },
  look: async (action, at) => {
    const held = at.memory.locks.get(action.host);
    const found = await readLock(hostOf(at, action.host), at.signal);
    if (held && found?.file.token === held.file.token) return { state: 'done', says: 'locked by this run' };
    return { state: 'not-done', says: found ? `locked by run ${found.file.run}` : 'not locked' };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const began = Date.now();
    const file = await ownFile(action.id, at);
    const made = await createLock(host, file, at.signal);
    if (!made) return takeOver(action, host, file, at);
    hold(host, made, began, at);
    return { says: `locked for run ${file.run}, ${file.who}`, detail: { path: made.path } };
  },
};

async function ownFile(id: string, { tools, plan }: At): Promise<LockFile> {
  const process = tools.identity ?? (await myIdentity());
  const { run, who } = tools;
  const index = plan.stages.findIndex((stage) => stage.id === id.split('/')[0]);
  const doing = `stage ${index + 1} ${plan.stages[index]?.title ?? ''}`;
  return newLock({ run, who, doing, group: plan.group, runbook: plan.runbook, process }, tools.now());
}

/** From here on the run does nothing on the host without its token. */
function hold(host: WritableHost, held: HeldLock, beganMs: number, { memory }: At): void {
  const { name } = host.entry;
  memory.locks.set(name, held);
  memory.renewedAtMs.set(name, beganMs);
  memory.claimed.set(name, host.claimed({ path: held.path, token: held.file.token }));
}

async function takeOver(
  { over = [] }: ActionOf<'lock.take'>,
  host: WritableHost,
  file: LockFile,
  at: At,
): Promise<Acted> {
  const { name } = host.entry;
  const found = await readLock(host, at.signal);
  if (!found) throw new Error(`${name}:${lockPath(host)} came and went; try again`);
  const me = file.process ?? (await myIdentity());
  const isNobodys = over.includes(found.file.run) || (await isLeftBehind(found.file, file.who, me));
  if (!isNobodys) throw await refusal(found.file.run, at);
  const began = Date.now();
  hold(host, await updateLock(host, found, { ...file, to: undefined, note: undefined }, at.signal), began, at);
  if (found.file.run === file.run) return { says: 'still the lock of this run', detail: { path: found.path } };
  const says = `taken over from run ${found.file.run} of ${found.file.who} (${found.file.doing})`;
  at.note(`${name}: lock ${says}`);
  return { says, detail: { from: found.file.run } };
}

/** The holder as all hosts show him: where he stands, and since when nothing was heard of him. */
async function refusal(run: string, at: At): Promise<Error> {
  const { locks } = await findLocks([...at.tools.hosts.values()], at.signal);
  const lock = locks.find((each) => each.run === run);
  if (lock === undefined) return new Error(`the lock of run ${run} came and went; try again`);
  const { standing, on } = lock;
  return lockedBy({ file: firstFile(lock), standing, hosts: [...on.keys()], asker: at.tools.who });
}
