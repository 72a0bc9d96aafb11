import { basename } from 'node:path';
import { encodeText } from '../../redis/byte-text.js';
import { readConfig } from '../config-texts.js';
import { applyIntent } from '../intents.js';
import { keptConfigPath } from '../kept-config.js';
import { fileHost, hostOf } from '../node.js';
import { differsFromKept } from '../operator-lines.js';
import { refuseRunning, rewriteFile } from '../rewrite-file.js';
import type { ActionModule } from '../tools.js';

/** Applies an intent to a config file as it now stands, after its owner was stopped, and writes it whole or not at all. */
export const configRewrite: ActionModule<'config.rewrite'> = {
  changes: true,
  until: ['service.start'],
  undo: {
    says: 'the kept copy of the file is put back',
    until: ['undo service.stop'],
    look: async (action, at) => {
      const host = hostOf(at, action.host);
      const kept = await readConfig(host, keptConfigPath(host, at.tools.run, action.path), at.signal);
      const now = await readConfig(fileHost(at, action.node, action.path), action.path, at.signal);
      if (kept.sha256 === now.sha256) return { state: 'done', says: `${basename(action.path)} is as it was` };
      const differing = differsFromKept(kept.text, now.text, action.intent);
      return differing.length === 0
        ? { state: 'not-done', says: `${basename(action.path)} is as this run wrote it` }
        : { state: 'other', says: `somebody changed ${action.path} since: ${differing.slice(0, 3).join(' | ')}` };
    },
    act: async (action, at) => {
      const host = hostOf(at, action.host);
      const kept = await readConfig(host, keptConfigPath(host, at.tools.run, action.path), at.signal);
      await refuseRunning(action, at);
      const files = fileHost(at, action.node, action.path);
      const now = await readConfig(files, action.path, at.signal);
      await files.write(action.path, encodeText(kept.text), now.sha256, at.signal);
      return { says: `${basename(action.path)} put back as it was` };
    },
  },
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
