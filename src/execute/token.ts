import { RunbookError } from '../errors.js';
import { ClaimLost } from '../hosts/claim.js';
import type { Action } from '../model/plan.js';
import { lockLost, refuseLost } from './heartbeat.js';
import { readLock } from './lock.js';
import type { At } from './tools.js';

/**
 * Before every action: the run's locks are known to be its own, and the one on the action's host is seen to be. What acts
 * there sees the token once more, in the same command (`WritableHost.claimed`). Throws RunbookError('locked') when
 * somebody else holds it or it is gone, and 'blocked' where this run never took it.
 */
export async function checkToken(action: Action, at: At): Promise<void> {
  await refuseLost(at);
  if (action.kind === 'lock.take') return;
  const held = at.memory.locks.get(action.host);
  const host = at.tools.hosts.get(action.host);
  if (!held || !host) {
    if (action.kind === 'lock.release') return;
    throw new RunbookError('blocked', `${action.host} is not locked by this run: nothing is done there.`, {
      facts: [`${action.id} comes before the lock of ${action.host} is taken, or after it was given back`],
      next: ['redis-runbook runbook check FILE'],
    });
  }
  if (await isSeenThere(action.host, at)) return;
  const found = await readLock(host, at.signal);
  if (found?.file.token === held.file.token) return;
  at.memory.lost ??= lockLost(action.host, held, found);
  throw at.memory.lost;
}

/** The usual case: the token is where this run put it. What stands there otherwise takes a look at the file. */
async function isSeenThere(name: string, { memory, signal }: At): Promise<boolean> {
  const claimed = memory.claimed.get(name);
  if (claimed?.checkClaim === undefined) return false;
  try {
    await claimed.checkClaim(signal);
    return true;
  } catch (error) {
    if (error instanceof ClaimLost) return false;
    throw error;
  }
}
