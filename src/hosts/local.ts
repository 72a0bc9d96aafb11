import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RunbookError } from '../errors.js';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { From, Seen } from '../model/seen.js';
import { defaultLimits, type Service, type WritableHost } from './host.js';
import { openLocalChannel } from './local-channel.js';
import { hashFile, listDirectory, readRegular, statPath, streamFile } from './local-files.js';
import { keepFile } from './local-keep.js';
import { lookLocally } from './local-look.js';
import { namedLocally } from './local-named.js';
import { listenerAt } from './local-nodes.js';
import { scanProcesses } from './local-process.js';
import { runCommand } from './local-run.js';
import { distrust } from './local-vouch.js';
import { makePrivateDirectory, removeFile, replaceFile } from './local-write.js';
import { lookAtConfig } from './look-config.js';
import { missed, onAbort, reading, saw } from './reading.js';
import { probeOver, reachBy, rightsOn } from './remote/probe.js';
import { openShell } from './remote/sudo.js';
import { processService } from './services/process.js';

function connect(address: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connectSocket({ host: address, port, noDelay: true });
    const forget = onAbort(signal, () => socket.destroy(new Error('the connection attempt was stopped')));
    socket.once('error', reject);
    socket.once('close', forget);
    socket.once('connect', () => {
      forget();
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

async function vouch(entry: HostEntry, address: string, port: number, signal: AbortSignal): Promise<Seen<true>> {
  const from: From = { host: entry.name, source: `/proc/net/tcp ${address}:${port}` };
  const node = entry.nodes.find((candidate) => candidate.address === address && candidate.port === port);
  if (node === undefined) return missed('denied', `${address}:${port} is no node of ${entry.name}`, from);
  const config = await lookAtConfig({ entry, limits: defaultLimits, signal }, node, undefined);
  const reason = await distrust(node, config, listenerAt(address, port, entry.name, scanProcesses()), 'password');
  return reason === undefined ? saw(true, from) : missed('denied', reason, from);
}

function service(entry: HostEntry, node: NodeEntry): Service {
  if (entry.service === 'auto' || entry.service === 'process') return processService(entry, node);
  const message = `${entry.name}: service ${entry.service} cannot be used with transport local in this version`;
  throw new RunbookError('fleet-file', message, { facts: [`fleet.yaml line ${entry.line}`] });
}

/**
 * This machine as a host of the fleet. Several hosts may be this machine, each with addresses and directories of its
 * own. Opening does nothing yet; there is nothing to close.
 */
export function openLocalHost(entry: HostEntry): WritableHost {
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
    stat: (path) => reading(from(path), () => statPath(path)),
    list: (directory) => reading(from(directory), () => listDirectory(directory, defaultLimits.listedNames)),
    hash: (path, signal, lengthBytes) => reading(from(path), () => hashFile(path, signal, lengthBytes)),
    connect,
    vouch: (address, port, signal) => vouch(entry, address, port, signal),
    rights: (signal) => rightsOn(shell(), false, signal),
    probe: (request, signal) => probeOver(shell(), reachBy(connect), own, { ...request, mayBecome: false }, signal),
    named: (config) => namedLocally(host, config),
    close: async () => undefined,
    run: runCommand,
    write: replaceFile,
    makeDirectory: makePrivateDirectory,
    keep: keepFile,
    remove: removeFile,
    service: (node) => service(entry, node),
  };
  return host;
}
