import { dirname, join } from 'node:path';
import { toJson } from '../../model/json.js';
import type { ActionOf, RestoredFile } from '../../model/plan.js';
import { nodeAt } from '../node.js';
import {
  holdsFile,
  isBack,
  moveAside,
  putBack,
  refuseOtherPlace,
  refuseRunning,
  restoreDirectories,
} from '../restore-place.js';
import type { ActionModule, At } from '../tools.js';

type Place = ActionOf<'data.place'>;

/** Written when everything is in place: what a server did to its files afterwards is no reason to place them again. */
export const PLACED_FILE = 'placed.json';

/**
 * Exchanges the data of a stopped node: its own files move away, those that were sent get their names, each hashed once
 * more by the host. Killed anywhere in between, the node is held, and the next try goes on.
 */
export const dataPlace: ActionModule<'data.place'> = {
  changes: true,
  undo: {
    says: 'the files of the backup go, the replaced ones come back',
    until: ['undo service.stop'],
    look: (action, at) => isBack(at, action.node, action.place),
    act: (action, at) => {
      const mark = join(restoreDirectories(action.place, at.tools.run).sent, PLACED_FILE);
      return putBack(at, action.node, action.place, { mark, ours: (path) => isOurs(action, path, at) });
    },
  },
  look: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const mark = await host.stat(join(restoreDirectories(action.place, at.tools.run).sent, PLACED_FILE));
    if (!mark.ok && mark.why !== 'absent')
      return { state: 'unknown', says: `whether it is in place could not be seen: ${mark.detail}` };
    return mark.ok
      ? { state: 'done', says: 'the backup is in place' }
      : { state: 'not-done', says: 'the backup is not in place' };
  },
  act: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    await refuseRunning(at, action.node);
    await refuseOtherPlace(at, action.node, action.place);
    const { sent, replaced } = restoreDirectories(action.place, at.tools.run);
    for (const file of action.files) {
      if (!(await holdsFile(host, join(sent, file.to), file, at.signal)))
        throw new Error(`${join(sent, file.to)} is not what was sent: nothing was moved`);
    }
    const moved = await moveAside(at, action.node, action.place, replaced, (path) => isOurs(action, path, at));
    for (const file of action.files) await give(action, file, sent, at);
    const mark = new TextEncoder().encode(`${toJson({ moved, placed: action.files }, 2)}\n`);
    await host.write(join(sent, PLACED_FILE), mark, 'absent', at.signal);
    const away = moved.length === 0 ? 'nothing was there' : `${moved.length} of its own moved to ${replaced}`;
    return { says: `${action.files.map(({ to }) => to).join(', ')} in place; ${away}`, detail: { moved, replaced } };
  },
};

/** A file that an earlier try put in place. */
async function isOurs(action: Place, path: string, at: At): Promise<boolean> {
  const file = action.files.find(({ to }) => join(action.place.dir, to) === path);
  return file !== undefined && holdsFile(nodeAt(at, action.node).named, path, file, at.signal, 'whole');
}

async function give(action: Place, file: RestoredFile, sent: string, at: At): Promise<void> {
  const { named: host } = nodeAt(at, action.node);
  const path = join(action.place.dir, file.to);
  const held = await host.hold(join(sent, file.to), dirname(path), at.signal);
  // A link is the file whose hash was counted a moment ago.
  if (held.how === 'link' || (await holdsFile(host, path, file, at.signal, 'whole'))) return;
  throw new Error(`${path} has another sha256 than the manifest says`);
}
