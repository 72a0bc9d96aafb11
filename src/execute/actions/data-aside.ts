import { join } from 'node:path';
import { toJson } from '../../model/json.js';
import { nodeAt, pidOf } from '../node.js';
import { isBack, moveAside, putBack, refuseOtherPlace, refuseRunning, restoreDirectories } from '../restore-place.js';
import type { ActionModule } from '../tools.js';

/** Written when everything was moved: what the node copied from its master afterwards stays. */
export const MOVED_FILE = 'moved.json';

/** Moves the data files of a stopped replica away, so that it starts empty and serves nothing of the old history. */
export const dataAside: ActionModule<'data.aside'> = {
  changes: true,
  undo: {
    says: 'the replaced files come back',
    until: ['undo service.stop'],
    look: (action, at) => isBack(at, action.node, action.place),
    act: (action, at) => {
      const mark = join(restoreDirectories(action.place, at.tools.run).replaced, MOVED_FILE);
      return putBack(at, action.node, action.place, { mark, ours: async () => false });
    },
  },
  look: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const mark = await host.stat(join(restoreDirectories(action.place, at.tools.run).replaced, MOVED_FILE));
    if (mark.ok) return { state: 'done', says: 'its data was moved away by this run' };
    if (mark.why !== 'absent')
      return { state: 'unknown', says: `whether its data was moved could not be seen: ${mark.detail}` };
    const pid = await pidOf(at, action.node);
    return pid === null
      ? { state: 'not-done', says: 'its data is where it was' }
      : { state: 'other', says: `it runs (pid ${pid}) with its own data` };
  },
  act: async (action, at) => {
    await refuseRunning(at, action.node);
    await refuseOtherPlace(at, action.node, action.place);
    const { named: host } = nodeAt(at, action.node);
    const { replaced } = restoreDirectories(action.place, at.tools.run);
    const moved = await moveAside(at, action.node, action.place, replaced, async () => false);
    await host.makeDirectory(replaced);
    await host.write(
      join(replaced, MOVED_FILE),
      new TextEncoder().encode(`${toJson(moved, 2)}\n`),
      'absent',
      at.signal,
    );
    if (moved.length === 0) return { says: 'it has no data file' };
    return { says: `${moved.length} data files moved to ${replaced}`, detail: { moved, replaced } };
  },
};
