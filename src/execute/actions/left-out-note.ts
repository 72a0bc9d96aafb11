import type { LeftOutHost } from '../../model/left-out.js';
import { withLeftOut, withRejoined } from '../../model/left-out.js';
import type { ActionOf } from '../../model/plan.js';
import { changeLeftOut, readLeftOut } from '../left-out-file.js';
import { hostOf } from '../node.js';
import type { ActionModule, At } from '../tools.js';

/** Writes on one host which hosts this run leaves out, so that every later look says it until they are rejoined. */
export const leftOutNote: ActionModule<'left-out.note'> = {
  changes: true,
  undo: {
    says: 'the note is marked as done: the run without the host was taken back',
    look: async (action, at) => {
      const { hosts } = await readLeftOut(hostOf(at, action.host), at.signal);
      const isOpen = hosts.some((one) => one.run === at.tools.run && one.doneAt === undefined);
      return isOpen ? { state: 'not-done', says: 'noted by this run' } : { state: 'done', says: 'not noted' };
    },
    act: async (action, at) => {
      const doneAt = at.tools.now().toISOString();
      const isOwn = ({ run }: LeftOutHost) => run === at.tools.run;
      const change = (before: readonly LeftOutHost[]) => withRejoined(before, before.filter(isOwn), doneAt);
      await changeLeftOut(hostOf(at, action.host), change, at.signal);
      return { says: 'the note is marked as done' };
    },
  },
  look: async (action, at) => {
    const { hosts } = await readLeftOut(hostOf(at, action.host), at.signal);
    const open = hosts.filter((one) => one.run === at.tools.run && one.doneAt === undefined).map(({ host }) => host);
    return action.leaves.every(({ host }) => open.includes(host))
      ? { state: 'done', says: 'noted by this run' }
      : { state: 'not-done', says: 'not noted' };
  },
  act: async (action, at) => {
    const notes = notesOf(action, at);
    await changeLeftOut(
      hostOf(at, action.host),
      (before) => notes.reduce<readonly LeftOutHost[]>(withLeftOut, before),
      at.signal,
    );
    return { says: `noted: ${notes.map(({ host }) => host).join(', ')} left out` };
  },
};

function notesOf({ leaves }: ActionOf<'left-out.note'>, at: At): readonly LeftOutHost[] {
  const { reason, group } = at.plan;
  const since = at.tools.now().toISOString();
  const told = { group, run: at.tools.run, who: at.tools.who, since, ...(reason === undefined ? {} : { reason }) };
  return leaves.map(({ host, why }) => ({ host, why, ...told }));
}
