import { RunbookError } from '../errors.js';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { From, Seen } from '../model/seen.js';
import { type Claim, checkClaimHere } from './claim.js';
import { connectHere } from './connect-here.js';
import { defaultLimits, type Service, type WritableHost } from './host.js';
import { openLocalChannel } from './local-channel.js';
import { hashFile, listDirectory, readRegular, statPath, streamFile } from './local-files.js';
import { holdFile, keepFile } from './local-keep.js';
import { lookLocally } from './local-look.js';
import { namedLocally } from './local-named.js';
import { listenerAt, nodeAt } from './local-nodes.js';
import { scanProcesses } from './local-process.js';
import { runCommand } from './local-run.js';
import { uploadHere } from './local-upload.js';
import { distrust } from './local-vouch.js';
import { makePrivateDirectory, removeEmptyDirectory, removeFile, replaceFile } from './local-write.js';
import { lookAtConfig } from './look-config.js';
import { missed, reading, saw } from './reading.js';
import { type RedisEndpoint, wordsOfPlace } from './redis-endpoint.js';
import { findOver } from './remote/find.js';
import { probeOver, reachBy, rightsOn } from './remote/probe.js';
import { openShell } from './remote/sudo.js';
import { processService } from './services/process.js';
import { through } from './through.js';

async function vouch(entry: HostEntry, endpoint: RedisEndpoint, signal: AbortSignal): Promise<Seen<true>> {
  const from: From = { host: entry.name, source: `/proc/net ${wordsOfPlace(endpoint)}` };
  const node = nodeAt(entry, endpoint);
  if (node === undefined) return missed('denied', `${wordsOfPlace(endpoint)} is no place of ${endpoint.node}`, from);
  const config = await lookAtConfig({ entry, limits: defaultLimits, signal }, node, undefined);
  const listener = listenerAt(endpoint.address, endpoint.port, entry.name, scanProcesses());
  const reason = await distrust(node, config, listener, 'password');
  return reason === undefined ? saw(true, from) : missed('denied', reason, from);
}

function service(entry: HostEntry, node: NodeEntry, guard: () => void): Service {
  if (entry.service === 'auto' || entry.service === 'process') return processService(entry, node, guard);
  const message = `${entry.name}: service ${entry.service} cannot be used with transport local in this version`;
  throw new RunbookError('fleet-file', message, { facts: [`fleet.yaml line ${entry.line}`] });
}

/**
 * This machine as a host of the fleet. Several hosts may be this machine, each with addresses and directories of its
 * own. Opening does nothing yet; there is nothing to close.
 */
export function openLocalHost(entry: HostEntry): WritableHost {
  return hostHere(entry);
}

function hostHere(entry: HostEntry, claim?: Claim): WritableHost {
  const guard = () => {
    if (claim !== undefined) checkClaimHere(entry.name, claim);
  };
  const guarded =
    <A extends readonly unknown[], T>(act: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      guard();
      return act(...args);
    };
  const from = (source: string): From => ({ host: entry.name, source });
  // Nobody becomes another user here, whatever fleet.yaml says.
  const own: HostEntry = { ...entry, become: 'none' };
  const shell = () => openShell(own, openLocalChannel(entry.name));
  const host: WritableHost = {
    entry,
    look: (request, signal) => lookLocally(host, request, signal),
    read: (path, limitBytes, signal) =>
      reading(from(path), async () => (await readRegular(path, limitBytes, signal)).bytes),
    stream: streamFile,
    packed: (path, how, lengthBytes, signal) =>
      through([how, '-1', '-q', '-c'], streamFile(path, signal, 0n, lengthBytes)),
    stat: (path) => reading(from(path), () => statPath(path)),
    list: (directory) => reading(from(directory), () => listDirectory(directory, defaultLimits.listedNames)),
    hash: (path, signal, lengthBytes) => reading(from(path), () => hashFile(path, signal, lengthBytes)),
    connect: connectHere,
    vouch: (endpoint, signal) => vouch(entry, endpoint, signal),
    rights: (signal) => rightsOn(shell(), false, signal),
    probe: (request, signal) => probeOver(shell(), reachBy(connectHere), own, { ...request, mayBecome: false }, signal),
    find: (request, signal) => findOver(shell(), { ...request, mayBecome: false }, signal),
    named: (config) => namedLocally(host, config),
    close: async () => undefined,
    run: guarded(runCommand),
    write: (path, bytes, expected, signal) => replaceFile(path, bytes, expected, signal, guard),
    makeDirectory: guarded(makePrivateDirectory),
    keep: guarded(keepFile),
    hold: guarded(holdFile),
    remove: guarded(removeFile),
    removeDirectory: guarded(removeEmptyDirectory),
    upload: async (path, file, signal) => uploadHere(path, file, signal, guard),
    service: (node) => service(entry, node, guard),
    claimed: (own) => hostHere(entry, own),
    checkClaim: async () => guard(),
  };
  return host;
}
