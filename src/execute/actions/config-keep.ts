import { basename } from 'node:path';
import { actionsOf } from '../../model/plan.js';
import { readConfig } from '../config-texts.js';
import { keptConfigPath } from '../kept-config.js';
import { hostOf } from '../node.js';
import { differsFromKept } from '../operator-lines.js';
import type { ActionModule, At } from '../tools.js';

/** Keeps a copy of a config file in the run's directory on the host (0600), never beside the original: an `include conf.d/*` would load it there. */
export const configKeep: ActionModule<'config.keep'> = {
  changes: false,
  undo: { none: 'a copy' },
  until: ['service.start'],
  look: async (action, at) => {
    const host = hostOf(at, action.host);
    const kept = await readConfig(host, keptConfigPath(host, at.tools.run, action.path), at.signal).catch(
      () => undefined,
    );
    if (!kept) return { state: 'not-done', says: 'not kept' };
    const now = await readConfig(host, action.path, at.signal);
    if (kept.sha256 === now.sha256) return { state: 'done', says: `${basename(action.path)} is kept` };
    return isRewrite(action.path, action.node, kept.text, now.text, at)
      ? { state: 'done', says: `${basename(action.path)} is kept, and was rewritten since` }
      : { state: 'other', says: `${action.path} changed since this run kept it` };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const read = await host.read(action.path, 4 * 1024 * 1024, at.signal);
    if (!read.ok) throw new Error(`${action.path} could not be read: ${read.detail}`);
    const path = keptConfigPath(host, at.tools.run, action.path);
    await host.makeDirectory(`${host.entry.state}/${at.tools.run}`);
    await host.write(path, read.value, 'absent', at.signal);
    return { says: `${basename(action.path)} kept`, detail: { kept: path, sizeBytes: BigInt(read.value.length) } };
  },
};

/** Whether the text now is what this run's own rewrite makes of the kept one. */
function isRewrite(path: string, node: string, kept: string, now: string, at: At): boolean {
  return actionsOf(at.plan).some(
    (other) =>
      other.kind === 'config.rewrite' &&
      other.path === path &&
      other.node === node &&
      differsFromKept(kept, now, other.intent).length === 0,
  );
}
