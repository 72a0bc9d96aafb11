import { withRejoined } from '../../model/left-out.js';
import { changeLeftOut, readLeftOut } from '../left-out-file.js';
import { hostOf } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Marks on one host that those which were left out are back: the last act before the lock is given back. */
export const leftOutDone: ActionModule<'left-out.done'> = {
  changes: false,
  undo: { none: 'what the note asked for is done' },
  look: async (action, at) => {
    const { hosts } = await readLeftOut(hostOf(at, action.host), at.signal);
    const isDone = action.back.every((one) =>
      hosts.some((each) => each.host === one.host && each.run === one.run && each.doneAt !== undefined),
    );
    const open = hosts.some((each) => each.doneAt === undefined && action.back.some((one) => one.host === each.host));
    return isDone && !open
      ? { state: 'done', says: 'marked as done' }
      : { state: 'not-done', says: 'still open in its note' };
  },
  act: async (action, at) => {
    const doneAt = at.tools.now().toISOString();
    const names = [...new Set(action.back.map(({ host }) => host))];
    await changeLeftOut(
      hostOf(at, action.host),
      (before) => {
        const open = before.filter((one) => one.doneAt === undefined && names.includes(one.host));
        return withRejoined(before, [...open, ...action.back], doneAt);
      },
      at.signal,
    );
    return { says: `noted: ${names.join(', ')} no longer left out` };
  },
};
