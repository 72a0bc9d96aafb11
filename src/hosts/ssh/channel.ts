import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { RunbookError } from '../../errors.js';
import { type Channel, ChannelLost } from '../channel.js';
import { forwarded, forwardRefused } from '../forwarded.js';
import { namedCommand } from '../named-command.js';
import { onAbort, reasonOf } from '../reading.js';
import { asStream, type Running, runToEnd } from '../running.js';
import { shared } from '../shared.js';
import { MOST_SESSIONS, slots } from '../slots.js';
import { runningChannel } from './command.js';
import type { Connection, ConnectPorts } from './connection.js';
import { refuseProxyCommand } from './resolve-target.js';
import type { SshTarget } from './target.js';

type Started = { readonly running: Running } | { readonly refused: string } | { readonly notSent: true };

/** Asks the host for one session with this command. */
function start(connection: Connection, command: string, host: string): Promise<Started> {
  return new Promise((resolve, reject) => {
    const named = namedCommand(command);
    const lost = () => reject(new ChannelLost(`the connection to ${host} was lost while a command was being started`));
    const forget = onAbort(connection.lost, lost);
    const answer = (error: Error | undefined, channel: ClientChannel) => {
      forget();
      if (error === undefined) return resolve({ running: runningChannel(channel, named.end, connection, host) });
      if (connection.lost.aborted) return lost();
      return resolve({ refused: error.message });
    };
    try {
      connection.client.exec(named.command, answer);
    } catch {
      // ssh2 throws when its socket is gone before anything was sent.
      forget();
      resolve({ notSent: true });
    }
  });
}

/**
 * Commands and connections over ssh2: one login for the whole run, eight commands at once. Nothing is connected before
 * the first call. When the connection is lost, what is under way rejects with ChannelLost and the next call logs in
 * again; no command is ever sent twice. Throws RunbookError `fleet-file` for what only the system's ssh can do.
 */
export function openSshChannel(target: SshTarget, tools: ConnectPorts): Channel {
  refuseProxyCommand(target);
  const host = target.name;
  const connections = shared(host, async (signal) => {
    const { connect } = await import('./connection.js');
    return connect(target, tools, signal);
  });
  const sessions = slots(MOST_SESSIONS);

  async function run(command: string, signal: AbortSignal): Promise<Running> {
    for (;;) {
      const giveBack = await sessions.take(signal);
      try {
        const connection = await connections.get(signal);
        signal.throwIfAborted();
        const started = await start(connection, command, host);
        if ('running' in started) {
          sessions.opened();
          started.running.ended.then(giveBack, giveBack);
          return started.running;
        }
        // Refused sessions never ran: with fewer at once the host may open them (MaxSessions below ours).
        if ('refused' in started && !(await sessions.refused())) throw sessionRefused(host, started.refused);
        giveBack();
        if ('notSent' in started) await gone(connection);
      } catch (error) {
        giveBack();
        throw error;
      }
    }
  }

  return {
    host,
    exec: async (command, options, signal) => runToEnd(await run(command, signal), options, signal),
    open: async (command, signal) => asStream(await run(command, signal), signal),
    forward: async (address, port, signal) => forward(await connections.get(signal), host, address, port, signal),
    mayHavePassword: (signal) => tools.verify.mayHavePassword(target, signal),
    onCrowd: (tell) => sessions.onCrowd(tell),
    close: () => connections.close(),
  };
}

/** Closes what is half closed already, and waits until everybody knows. */
async function gone(connection: Connection): Promise<void> {
  connection.close();
  await new Promise<void>((resolve) => {
    onAbort(connection.lost, resolve);
  });
}

function sessionRefused(host: string, said: string): RunbookError {
  return new RunbookError('login', `${host} accepts the login and opens no session: ${said}.`, {
    next: ['MaxSessions and ForceCommand in its sshd_config, the shell of the account'],
  });
}

function forward(
  connection: Connection,
  host: string,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new ChannelLost(`the connection to ${host} was lost`));
    const forgets = [onAbort(connection.lost, lost), onAbort(signal, () => reject(signal.reason))];
    const forget = () => forgets.forEach((each) => void each());
    const answer = (error: Error | undefined, stream: ClientChannel) => {
      forget();
      if (error) return reject(forwardRefused(host, address, port, refusalWords(error)));
      if (signal.aborted) return void stream.destroy();
      return resolve(forwarded({ readable: stream, writable: stream, close: () => void stream.destroy() }));
    };
    if (port === 0) connection.client.openssh_forwardOutStreamLocal(address, answer);
    else connection.client.forwardOut('127.0.0.1', 0, address, port, answer);
  });
}

/** RFC 4254: reason 1 is administratively prohibited; sshd's own words for it are only "open failed". */
function refusalWords(error: Error & { readonly reason?: unknown }): string {
  const said = reasonOf(error).replace(/^\(SSH\) Channel open failure: /, '');
  return error.reason === 1 || /vendor|unknown channel type/i.test(said)
    ? `administratively prohibited: ${said}`
    : said;
}
