import { basename } from 'node:path';
import { readConfig } from '../config-texts.js';
import { keptConfigPath } from '../kept-config.js';
import { fileHost, hostOf } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Keeps a copy of a config file in the run's directory on the host (0600), never beside the original: an `include conf.d/*` would load it there. */
export const configKeep: ActionModule<'config.keep'> = {
  changes: false,
  undo: 'none needed: a copy',
  look: async (action, at) => {
    const host = hostOf(at, action.host);
    const files = fileHost(at, action.node, action.path);
    const kept = await readConfig(host, keptConfigPath(host, at.tools.run, action.path), at.signal).catch(
      () => undefined,
    );
    if (!kept) return { state: 'not-done', says: 'not kept' };
    const now = await readConfig(files, action.path, at.signal);
    return kept.sha256 === now.sha256
      ? { state: 'done', says: `${basename(action.path)} is kept` }
      : { state: 'other', says: `${action.path} changed since this run kept it` };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const read = await fileHost(at, action.node, action.path).read(action.path, 4 * 1024 * 1024, at.signal);
    if (!read.ok) throw new Error(`${action.path} could not be read: ${read.detail}`);
    const path = keptConfigPath(host, at.tools.run, action.path);
    await host.makeDirectory(`${host.entry.state}/${at.tools.run}`);
    await host.write(path, read.value, 'absent', at.signal);
    return { says: `${basename(action.path)} kept`, detail: { kept: path, sizeBytes: BigInt(read.value.length) } };
  },
};
