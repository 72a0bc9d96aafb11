import { replyOf, runningOf, withReader, withWriter } from '../node.js';
import { followCommand, isDurable, knownNode, makeDurable } from '../role.js';
import type { ActionModule } from '../tools.js';

/**
 * Makes a running node master: at once, its data kept, its history continued under a new id (4.0 and later), and its
 * replicas go on with a partial resync. Then its files say so, which the command alone does not do (seen on 7.0.15).
 */
export const roleLead: ActionModule<'role.lead'> = {
  changes: true,
  undo: { none: 'it may have accepted writes since' },
  look: (action, at) =>
    withReader(at, action.node, async (reader) => {
      const { role } = await runningOf(reader);
      if (role !== 'master') return { state: 'not-done', says: `role ${role}` };
      return (await isDurable(action, at))
        ? { state: 'done', says: 'is master, and its files say so' }
        : { state: 'not-done', says: 'is master, and its files do not say so' };
    }),
  act: (action, at) =>
    withWriter(at, action.node, async (writer) => {
      const before = await knownNode(writer, action.node, at);
      await at.evidence(`before: ${before.role}, history ${before.replid}, offset ${before.offset}`, {
        replid: before.replid,
        offset: before.offset,
        keys: before.keys,
      });
      if (before.role !== 'master') await replyOf(writer, followCommand(before), 'NO', 'ONE');
      const diff = await makeDurable(action, undefined, at);
      const now = await runningOf(writer);
      if (now.role !== 'master') throw new Error(`it was told to be master, and is a ${now.role}`);
      return {
        says: `is master with ${now.keys} keys at offset ${now.offset}, and its files say so`,
        detail: { replid: now.replid, offset: now.offset, diff },
      };
    }),
};
