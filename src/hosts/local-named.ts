import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WritableHost } from './host.js';
import { fileError, statPath } from './local-files.js';
import { mayRead } from './look-file.js';
import { codeOf, missedBy } from './reading.js';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;

/** Whoever but root may write a config: the owner of its directory or of the file; undefined for root alone. */
async function writerOf(config: string): Promise<number | undefined> {
  for (const path of [dirname(config), config]) {
    const { uid, mode } = await stat(path);
    if (uid !== 0) return uid;
    if ((mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0) throw fileError('EPERM', `others than root may write ${path}`);
  }
  return undefined;
}

/** Whether the user may go through every directory on the way to a path. */
async function mayEnter(path: string, uid: number): Promise<boolean> {
  for (let at = dirname(path); at !== '/'; at = dirname(at)) {
    const { uid: owner, mode } = await stat(at);
    if (owner !== uid && (mode & OTHERS_ENTER) === 0) return false;
  }
  return true;
}

/** Rejects with EACCES what the user could not read, and what is not in a directory of its own. */
async function refuseForeign(path: string, uid: number, isChanged: boolean): Promise<void> {
  const user = { uid, gid: 0 };
  const denied = () =>
    fileError('EACCES', `EACCES: ${path} is not user ${uid}'s, who may write the config that names it`);
  const found = await statPath(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined) {
    const may = isChanged ? found.uid === uid : mayRead(found, user) && (await mayEnter(path, uid));
    if (!may) throw denied();
    return;
  }
  if (!isChanged) return;
  for (let at = dirname(path); ; at = dirname(at)) {
    const directory = await statPath(at).catch(() => undefined);
    if (directory === undefined && at !== '/') continue;
    if (directory?.uid !== uid) throw denied();
    return;
  }
}

/**
 * This machine for what a config file names (`Host.named`). Who is not root has only his own right anyway; root leaves
 * alone what whoever may write the config could not touch.
 */
export function namedLocally(host: WritableHost, config: string): WritableHost {
  if (process.getuid?.() !== 0) return host;
  const check = async (path: string, isChanged = false) => {
    const uid = await writerOf(config);
    if (uid !== undefined) await refuseForeign(path, uid, isChanged);
  };
  const seen = async <T>(path: string, read: () => Promise<T>) => {
    try {
      await check(path);
    } catch (error) {
      return missedBy(error, { host: host.entry.name, source: path });
    }
    return read();
  };
  return {
    ...host,
    read: (path, limitBytes, signal) => seen(path, () => host.read(path, limitBytes, signal)),
    list: (directory) => seen(directory, () => host.list(directory)),
    hash: (path, ...how) => seen(path, () => host.hash(path, ...how)),
    async *stream(path, signal, fromByte, toByte) {
      await check(path);
      yield* host.stream(path, signal, fromByte, toByte);
    },
    async *packed(path, how, lengthBytes, signal) {
      await check(path);
      yield* host.packed(path, how, lengthBytes, signal);
    },
    write: async (path, bytes, expected, signal) => {
      await check(path, true);
      return host.write(path, bytes, expected, signal);
    },
    keep: async (path, directory, how, signal) => {
      await check(path);
      await check(directory, true);
      return host.keep(path, directory, how, signal);
    },
    hold: async (path, directory, signal) => {
      await check(path);
      await check(directory, true);
      return host.hold(path, directory, signal);
    },
    makeDirectory: async (path) => {
      await check(path, true);
      return host.makeDirectory(path);
    },
    remove: async (path) => {
      await check(path, true);
      return host.remove(path);
    },
    removeDirectory: async (path) => {
      await check(path, true);
      return host.removeDirectory(path);
    },
    upload: async (path, file, signal) => {
      await check(path, true);
      return host.upload(path, file, signal);
    },
    named: (other) => namedLocally(host, other),
    claimed: (claim) => namedLocally(host.claimed(claim), config),
  };
}
