import { basename } from 'node:path';
import type { NodeEntry } from '../../model/inventory.js';
import { quoteArg } from '../../redis/tokenise.js';
import { trial } from '../../scratch/trial.js';
import { type ConfigTexts, readConfig, readTexts } from '../config-texts.js';
import { applyIntent } from '../intents.js';
import { fileHost, nodeAt } from '../node.js';
import { refuseRunning } from '../rewrite-file.js';
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
    await refuseRunning(action, at);
    const files = action.intent.kind === 'users.acl' ? fileHost(at, action.node, action.path) : host;
    const text = read.texts.get(action.path) ?? (await readConfig(files, action.path, at.signal)).text;
    const applied = await applyIntent(text, action.intent, at);
    if (applied.text !== text) {
      throw new Error(`${action.path} is not as planned: ${applied.diff.slice(0, 5).join(' | ')}`);
    }
    const tried = await tryStart(
      action.node,
      action.intent.kind === 'users.acl' ? withUsers(read, entry, action.path, text) : read,
      at,
    );
    return { says: `${basename(action.path)} is as planned, ${tried}` };
  },
};

/** The users stand in the config itself, as an include: an ACL file is not opened in a trial, and both may not be used at once. */
function withUsers({ texts, globs }: ConfigTexts, { config }: NodeEntry, path: string, users: string): ConfigTexts {
  const lines = users
    .split('\n')
    .map((line) => (line.trim() === '' ? '' : line.trim().split(/ +/).map(quoteArg).join(' ')));
  const main = `${texts.get(config) ?? ''}\ninclude ${quoteArg(path)}\n`;
  return { texts: new Map([...texts, [config, main], [path, lines.join('\n')]]), globs };
}

async function tryStart(node: string, { texts, globs }: ConfigTexts, at: At): Promise<string> {
  const { entry, host } = nodeAt(at, node);
  const result = await trial(host, { entry, texts, globs }, at.signal);
  await at.evidence(`trial start of a copy: ${result.starts ? 'starts' : result.says}`, { confined: result.confined });
  if (!result.starts) throw new Error(`the server does not start with a copy of it: ${result.says}`);
  return result.confined
    ? 'and a copy of it starts'
    : `and a copy of it starts (not confined: ${result.notConfinedWhy})`;
}
