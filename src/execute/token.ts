import { RunbookError } from '../errors.js';
import type { Action } from '../model/plan.js';
import { lockedBy, readLock } from './lock.js';
import { hostOf } from './node.js';
import type { At } from './tools.js';

/**
 * The fencing of every action: the lock on its host must still carry this run's token. Hosts whose lock this run has
 * not taken are not checked. Throws RunbookError('locked') when somebody else holds it or it is gone.
 */
export async function checkToken(action: Action, at: At): Promise<void> {
  const held = at.memory.locks.get(action.host);
  if (!held || action.kind === 'lock.take') return;
  const found = await readLock(hostOf(at, action.host), at.signal);
  if (found?.file.token === held.file.token) return;
  if (found) throw lockedBy(action.host, found.file, at.tools.now());
  throw new RunbookError('locked', `This run's lock on ${action.host} is gone.`, {
    facts: [`${held.path} was taken away since ${held.file.since}`],
    next: ['redis-runbook status'],
  });
}
