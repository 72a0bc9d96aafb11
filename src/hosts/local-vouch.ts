import { dirname } from 'node:path';
import { type NodeEntry, placeOf } from '../model/inventory.js';
import { type FileSource, localFiles } from './file-source.js';
import type { Listener } from './local-nodes.js';
import type { ConfigLook } from './look-config.js';

/** The machine that a node runs on, and the uid that we have there. */
export interface Machine {
  readonly files: Pick<FileSource, 'stat'>;
  readonly uid: number;
}

function thisMachine(): Machine {
  return { files: localFiles, uid: process.getuid?.() ?? 0 };
}

/** Users whose server may get a node's password: root, ours, and the owners of its config directory and data directory. */
async function trustedUsers(node: NodeEntry, config: ConfigLook, machine: Machine): Promise<ReadonlySet<number>> {
  const directories = [dirname(node.config), ...(config.places ? [config.places.directory] : [])];
  const owners = await Promise.all(
    directories.map((path) =>
      machine.files.stat(path).then(
        (stat) => [stat.uid],
        () => [],
      ),
    ),
  );
  return new Set([0, machine.uid, ...owners.flat()]);
}

/**
 * Why what listens on a node's port is not believed (`ask`) or gets no password (`password`); undefined when it is the
 * node's own server. In a dead fleet any local user may listen on 6379 and 26379, take what we send, and answer with a
 * wonderful offset. A process that this user may not look into is asked when its socket is a trusted user's, no more.
 */
export async function distrust(
  node: NodeEntry,
  config: ConfigLook,
  listener: Listener,
  purpose: 'ask' | 'password',
  machine: Machine = thisMachine(),
): Promise<string | undefined> {
  const { address, port } = placeOf(node);
  const place = port === 0 ? `the socket ${address} on ${node.host}` : `port ${port} on ${node.host}`;
  if (listener.kind === 'none') return purpose === 'ask' ? undefined : `nothing listens on ${place}`;
  if (listener.kind === 'other') return listener.says;
  const trusted = await trustedUsers(node, config, machine);
  if (listener.kind === 'hidden') return purpose === 'ask' && trusted.has(listener.uid) ? undefined : listener.says;
  const { pid, uid } = listener.process;
  if (trusted.has(uid)) return purpose === 'password' ? strangersFile(address, port, trusted, machine) : undefined;
  return `${place} is held by a server of user ${uid} (pid ${pid}), not by the node's own`;
}

/** The file of a unix socket is made by who listens there; a stranger's is not the server's, whatever the path says. */
async function strangersFile(
  address: string,
  port: number,
  trusted: ReadonlySet<number>,
  machine: Machine,
): Promise<string | undefined> {
  if (port !== 0) return undefined;
  const owner = await machine.files.stat(address).then(
    ({ uid }) => uid,
    () => undefined,
  );
  if (owner === undefined || trusted.has(owner)) return undefined;
  return `the socket ${address} belongs to user ${owner}, not to the node's own`;
}
