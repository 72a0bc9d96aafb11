import { basename } from 'node:path';
import { trial } from '../../scratch/trial.js';
import { type ConfigTexts, readConfig, readTexts } from '../config-texts.js';
import { applyIntent } from '../intents.js';
import { nodeAt } from '../node.js';
import type { ActionModule, At } from '../tools.js';

/** Reads a config file back, sees that the intent changes nothing any more, and tries a copy on the node's own parser. */
export const configCheck: ActionModule<'config.check'> = {
  changes: false,
  undo: { none: 'nothing is changed' },
  whenFinished: 'repeat',
  until: ['service.start'],
  look: async () => ({ state: 'not-done', says: 'checked each time' }),
  act: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    const read = await readTexts(host, entry.config, at.signal);
    const text = read.texts.get(action.path) ?? (await readConfig(host, action.path, at.signal)).text;
    const applied = await applyIntent(text, action.intent, at);
    if (applied.text !== text) {
      throw new Error(`${action.path} is not as planned: ${applied.diff.slice(0, 5).join(' | ')}`);
    }
    const tried = await tryStart(action.node, read, at);
    return { says: `${basename(action.path)} is as planned, ${tried}` };
  },
};

async function tryStart(node: string, { texts, globs }: ConfigTexts, at: At): Promise<string> {
  const { entry, host } = nodeAt(at, node);
  const result = await trial(host, { entry, texts, globs }, at.signal);
  await at.evidence(`trial start of a copy: ${result.starts ? 'starts' : result.says}`, { confined: result.confined });
  if (!result.starts) throw new Error(`the server does not start with a copy of it: ${result.says}`);
  return result.confined
    ? 'and a copy of it starts'
    : `and a copy of it starts (not confined: ${result.notConfinedWhy})`;
}
