import { basename } from 'node:path';
import { type Action, actionsOf, type FileChange } from '../../model/plan.js';
import { readConfig } from '../config-texts.js';
import { keptConfigPath } from '../kept-config.js';
import { fileHost, hostOf } from '../node.js';
import { differsFromKept } from '../operator-lines.js';
import type { ActionModule, At } from '../tools.js';

/** Keeps a copy of a config file in the run's directory on the host (0600), never beside the original: an `include conf.d/*` would load it there. */
export const configKeep: ActionModule<'config.keep'> = {
  changes: false,
  undo: { none: 'a copy' },
  until: ['service.start'],
  look: async (action, at) => {
    const host = hostOf(at, action.host);
    const files = fileHost(at, action.node, action.path);
    const kept = await readConfig(host, keptConfigPath(host, at.tools.run, action.path), at.signal).catch(
      () => undefined,
    );
    if (!kept) return { state: 'not-done', says: 'not kept' };
    const now = await readConfig(files, action.path, at.signal);
    if (kept.sha256 === now.sha256) return { state: 'done', says: `${basename(action.path)} is kept` };
    return isRewrite(action.path, action.node, kept.text, now.text, at)
      ? { state: 'done', says: `${basename(action.path)} is kept, and was rewritten since` }
      : { state: 'other', says: `${action.path} changed since this run kept it` };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const [read] = await Promise.all([
      fileHost(at, action.node, action.path).read(action.path, 4 * 1024 * 1024, at.signal),
      host.makeDirectory(`${host.entry.state}/${at.tools.run}`),
    ]);
    if (!read.ok) throw new Error(`${action.path} could not be read: ${read.detail}`);
    const path = keptConfigPath(host, at.tools.run, action.path);
    await host.write(path, read.value, 'absent', at.signal);
    return { says: `${basename(action.path)} kept`, detail: { kept: path, sizeBytes: BigInt(read.value.length) } };
  },
};

/** Whether the text now is what this run's own rewrite makes of the kept one. */
function isRewrite(path: string, node: string, kept: string, now: string, at: At): boolean {
  return actionsOf(at.plan).some(
    (other) =>
      other.node === node &&
      changesOf(other).some((file) => file.path === path && differsFromKept(kept, now, file.intent).length === 0),
  );
}

/** The files that an action of the plan changes. */
function changesOf(action: Action): readonly FileChange[] {
  if (action.kind === 'config.rewrite') return [action];
  return action.kind === 'role.lead' || action.kind === 'role.follow' ? action.files : [];
}
