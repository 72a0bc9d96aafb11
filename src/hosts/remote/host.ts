import { randomBytes } from 'node:crypto';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { From } from '../../model/seen.js';
import type { Channel } from '../channel.js';
import type { Claim } from '../claim.js';
import { defaultLimits, type RunOptions, type RunOutput, type Service, type WritableHost } from '../host.js';
import { fileError } from '../local-files.js';
import { reading } from '../reading.js';
import { remoteService } from '../services/remote.js';
import { claimedShell } from './claimed-shell.js';
import { connector, type Tell } from './connect.js';
import { filesOver, SMALL_MS } from './files.js';
import { findOver } from './find.js';
import { holdOn, keepOn } from './keep.js';
import { lookThrough } from './look/look.js';
import { probeOver, reachBy, rightsOn } from './probe.js';
import { processesOn } from './processes.js';
import type { NamedBy } from './run-as.js';
import { textOf } from './script.js';
import { packedFrom, streamFrom } from './stream.js';
import { openShell, type Shell, type SudoAsker } from './sudo.js';
import { uploadTo } from './upload.js';

/** What a host of another machine needs of its surroundings: who asks for sudo passwords, and whom to tell. */
export interface RemoteTools extends SudoAsker {
  /** Told what the operator should know of the host, once each. */
  readonly tell?: Tell;
}

const DEFAULT_RUN_BYTES = 1024 * 1024;

/** $1 = mark of a program that is not there, $2 = directory, $3 = seconds after which the host itself ends it. */
const RUN = `LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
mark=$1 directory=$2 seconds=$3; shift 3
[ -z "$directory" ] || cd -- "$directory" || exit 126
command -v -- "$1" > /dev/null 2>&1 || { printf %s "$mark" >&2; exit 127; }
if timeout -s KILL 5 true 2> /dev/null; then exec timeout -s KILL "$seconds" "$@"; fi
exec "$@"`;

async function run(
  shell: Shell,
  argv: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunOutput> {
  const [program] = argv;
  if (program === undefined) throw new TypeError('an empty command');
  signal.throwIfAborted();
  const mark = `redis-runbook-${randomBytes(8).toString('hex')}`;
  // The host ends it a little later than we do, so that nothing stays behind there.
  const seconds = String(Math.ceil(options.timeoutMs / 1000) + 1);
  const limits = { timeoutMs: options.timeoutMs, limitBytes: options.limitBytes ?? DEFAULT_RUN_BYTES };
  const stdin = options.stdin === undefined ? {} : { stdin: new TextEncoder().encode(options.stdin) };
  const script = { script: RUN, args: [mark, options.cwd ?? '', seconds, ...argv] };
  const result = await shell.exec(script, { ...limits, ...stdin }, signal);
  signal.throwIfAborted();
  const stderr = textOf(result.stderr);
  if (result.status === 127 && stderr === mark) throw fileError('ENOENT', `ENOENT: ${program} is not on ${shell.host}`);
  const { status, timedOut } = result;
  return { status, signal: result.signal, stdout: textOf(result.stdout), stderr, timedOut };
}

/** For what the interface gives no signal. */
function inTime(): AbortSignal {
  return AbortSignal.timeout(2 * SMALL_MS);
}

type FileMethods = Pick<
  WritableHost,
  | 'read'
  | 'stream'
  | 'packed'
  | 'stat'
  | 'list'
  | 'hash'
  | 'write'
  | 'makeDirectory'
  | 'keep'
  | 'hold'
  | 'remove'
  | 'removeDirectory'
  | 'upload'
>;

/** The files of a host; with `namedBy` those that a config file or its server named. */
function fileMethods(entry: HostEntry, shell: Shell, namedBy: () => NamedBy | undefined): FileMethods {
  const files = filesOver(shell, namedBy);
  const from = (source: string): From => ({ host: entry.name, source });
  return {
    read: (path, limitBytes, signal) => reading(from(path), () => files.read(path, limitBytes, signal)),
    stream: (path, signal, fromByte, toByte, pace) =>
      streamFrom(shell, path, signal, fromByte, toByte, namedBy(), pace),
    packed: (path, how, lengthBytes, signal) => packedFrom(shell, path, how, lengthBytes, signal, namedBy()),
    stat: (path) => reading(from(path), () => files.stat(path, inTime())),
    list: (directory) => reading(from(directory), () => files.list(directory, defaultLimits.listedNames, inTime())),
    hash: (path, signal, lengthBytes, pace) => reading(from(path), () => files.hash(path, signal, lengthBytes, pace)),
    write: (path, bytes, expected, signal) => files.write(path, bytes, expected, signal),
    makeDirectory: (path) => files.makeDirectory(path, inTime()),
    keep: (path, directory, how, signal) => keepOn(shell, path, directory, how, signal, namedBy()),
    hold: (path, directory, signal) => holdOn(shell, path, directory, signal, namedBy()),
    remove: (path) => files.remove(path, inTime()),
    removeDirectory: (path) => files.removeDirectory(path, inTime()),
    upload: (path, file, signal) => uploadTo(shell, path, file, signal, namedBy()),
  };
}

/**
 * Another machine, over POSIX shell commands through its channel: no SFTP, nothing on it but a shell and coreutils. As
 * root where fleet.yaml says `become: sudo` or the login is root's, and then never with more right in a directory than
 * whoever may change it. Opening sends nothing. Beside what the interfaces say methods reject with RunbookError `sudo`
 * when a right is missing, and with ChannelLost when it is not known whether something had its effect.
 */
export function openRemoteHost(entry: HostEntry, channel: Channel, tools: RemoteTools = {}): WritableHost {
  const shell = openShell(entry, channel, tools);
  const connect = connector(channel, shell, entry.become === 'sudo', tools.tell);
  const processes = processesOn(entry, channel, shell);
  return hostOver(entry, channel, tools, { shell, connect, processes });
}

/** What all views of one machine share. */
interface Reached {
  readonly shell: Shell;
  readonly connect: WritableHost['connect'];
  readonly processes: ReturnType<typeof processesOn>;
}

function hostOver(
  entry: HostEntry,
  channel: Channel,
  tools: RemoteTools,
  reached: Reached,
  claim?: Claim,
): WritableHost {
  const { connect, processes } = reached;
  const shell = claim === undefined ? reached.shell : claimedShell(reached.shell, claim);
  const files = filesOver(shell);
  const byConfig = (config: string) => (): NamedBy => {
    const node = entry.nodes.find((each) => each.config === config);
    return { config, user: node && processes.lastUser(node) };
  };
  const named = (config: string) => filesOver(shell, byConfig(config));
  const services = new Map<string, Service>();
  const service = (node: NodeEntry) => {
    const made = services.get(node.id) ?? remoteService({ entry, shell, files, named, processes }, node);
    services.set(node.id, made);
    return made;
  };
  const host: WritableHost = {
    entry,
    ...fileMethods(entry, shell, () => undefined),
    look: (request, signal) =>
      lookThrough(
        channel,
        entry,
        request,
        signal,
        (command, options, own) => reached.shell.exec({ script: command, args: [] }, options, own),
        connect,
      ),
    connect,
    vouch: (endpoint, signal) => processes.vouch(endpoint, signal),
    rights: (signal) => rightsOn(shell, tools.askSecret !== undefined, signal),
    probe: (request, signal) => probeOver(shell, reachBy(channel.forward), entry, request, signal),
    find: (request, signal) => findOver(shell, request, signal),
    named: (config) => ({ ...host, ...fileMethods(entry, shell, byConfig(config)) }),
    claimed: (own) => hostOver(entry, channel, tools, reached, own),
    checkClaim: async (signal) => {
      if (claim === undefined) return;
      const options = { timeoutMs: SMALL_MS, limitBytes: 4096 };
      const result = await shell.exec({ script: 'exit 0', args: [] }, options, signal);
      if (result.status !== 0) throw new Error(`${entry.name}: ${claim.path} could not be looked at`);
    },
    run: (argv, options, signal) => run(shell, argv, options, signal),
    service,
    close: () => {
      shell.close();
      return channel.close();
    },
  };
  return host;
}
