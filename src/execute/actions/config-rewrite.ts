import { basename } from 'node:path';
import { readConfig } from '../config-texts.js';
import { applyIntent } from '../intents.js';
import { fileHost } from '../node.js';
import { rewriteFile } from '../rewrite-file.js';
import type { ActionModule } from '../tools.js';

/** Applies an intent to a config file as it now stands, after its owner was stopped, and writes it whole or not at all. */
export const configRewrite: ActionModule<'config.rewrite'> = {
  changes: true,
  undo: 'the kept copy of the file is put back',
  look: async (action, at) => {
    const { text } = await readConfig(fileHost(at, action.node, action.path), action.path, at.signal);
    const applied = await applyIntent(text, action.intent, at);
    return applied.text === text
      ? { state: 'done', says: `${basename(action.path)} is as planned` }
      : { state: 'not-done', says: `${applied.diff.length} lines differ from the plan` };
  },
  act: async (action, at) => {
    const diff = await rewriteFile(action, at);
    const added = diff.filter((line) => line.startsWith('+')).length;
    const removed = diff.filter((line) => line.startsWith('-')).length;
    return {
      says: `${basename(action.path)}: ${added} ${added === 1 ? 'line' : 'lines'} added, ${removed} removed`,
      detail: { path: action.path, diff },
    };
  },
};
