import { setTimeout as sleep } from 'node:timers/promises';
import { ClaimLost } from '../../hosts/claim.js';
import { raiseFence } from '../fence.js';
import type { ActionModule, At, FenceKeeper } from '../tools.js';

const TRY_MS = 10_000;
const POLL_MS = 20;

/** Pauses writes on the starting master and keeps them paused until `fence.lift`; a server before 6.2 cannot, which is said. */
export const fenceRaise: ActionModule<'fence.raise'> = {
  changes: false,
  undo: { none: 'the pause ends by itself within five seconds' },
  whenFinished: 'repeat',
  until: ['fence.lift', 'role.follow'],
  look: async (action, at) =>
    at.memory.fences.has(action.node)
      ? { state: 'done', says: 'writes are paused by this run' }
      : { state: 'not-done', says: 'writes are not paused by this run' },
  act: async (action, at) => {
    const keeper = await firstAnswer(at, action.node);
    if (!keeper) {
      return {
        says: 'writes cannot be paused on this version (CLIENT PAUSE … WRITE came with 6.2): it goes on without',
      };
    }
    at.memory.fences.set(action.node, keeper);
    return { says: 'writes paused, renewed every second', detail: { since: keeper.since } };
  },
};

/** Right after its start a node does not listen yet. */
async function firstAnswer(at: At, node: string): Promise<FenceKeeper | undefined> {
  const until = performance.now() + TRY_MS;
  for (;;) {
    try {
      return await raiseFence(at, node);
    } catch (error) {
      if (performance.now() > until || at.signal.aborted || error instanceof ClaimLost) throw error;
      await sleep(POLL_MS);
    }
  }
}
