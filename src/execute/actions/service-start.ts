import type { ActionOf } from '../../model/plan.js';
import { noteFilesBefore } from '../accepted-writes.js';
import { infoOf, nodeAt, pidOf, withReader } from '../node.js';
import { waitForPid } from '../pid-appears.js';
import { stopAgain } from '../stop-again.js';
import type { ActionModule, At, Looked } from '../tools.js';

/** Starts a node through its service manager and sees that its process is there. What it loads and becomes is for conditions. */
export const serviceStart: ActionModule<'service.start'> = {
  changes: true,
  undo: {
    says: 'the node is stopped again; before the first accepted write this leaves no trace',
    until: ['undo service.stop'],
    look: async (action, at) => {
      const pid = await pidOf(at, action.node);
      return pid === null ? { state: 'done', says: 'not running' } : { state: 'not-done', says: `runs, pid ${pid}` };
    },
    act: stopAgain,
  },
  look: async (action, at) => {
    const pid = await pidOf(at, action.node);
    if (pid === null) return { state: 'not-done', says: 'not running' };
    return await looksRight(action, at, pid);
  },
  act: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    if (action.as === 'master') await noteFilesBefore(action.node, at);
    await host.service(entry).start(at.signal);
    const pid = await waitForPid(action.node, at);
    return { says: `started as ${action.as}, pid ${pid}`, detail: { pid } };
  },
};

/** A node that runs already is done when it has the role that the plan gives it; one that does not answer yet is judged by the conditions. */
async function looksRight(action: ActionOf<'service.start'>, at: At, pid: number): Promise<Looked> {
  if (action.as === 'sentinel') return { state: 'done', says: `runs, pid ${pid}` };
  const role = await withReader(at, action.node, async (reader) =>
    (await infoOf(reader, 'replication')).get('role'),
  ).catch(() => undefined);
  const wanted = action.as === 'master' ? 'master' : 'slave';
  if (role === undefined || role === wanted) return { state: 'done', says: `runs as ${action.as}, pid ${pid}` };
  const is = role === 'slave' ? 'replica' : role;
  return { state: 'other', says: `runs as ${is} (pid ${pid}), and is to be started as ${action.as}` };
}
