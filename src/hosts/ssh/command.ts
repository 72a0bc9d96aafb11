import type { ClientChannel } from 'ssh2';
import { ChannelLost } from '../channel.js';
import type { Running } from '../running.js';
import type { Connection } from './connection.js';

/** How long the second session may take that ends the first one, before the first is only closed. */
const KILL_GRACE_MS = 5000;

/** Ends the command from a second session (two of sshd's ten are kept free for this), then closes its own. */
function endSession(channel: ClientChannel, end: string, connection: Connection): void {
  let second: ClientChannel | undefined;
  const close = () => {
    clearTimeout(timer);
    channel.close();
  };
  const closeBoth = () => {
    close();
    second?.close();
  };
  const timer = setTimeout(closeBoth, KILL_GRACE_MS);
  try {
    connection.client.exec(end, (error, opened) => {
      if (error) return close();
      second = opened;
      opened.on('close', close);
      // It says nothing, unless the host answers everything with a flood: then neither of them is listened to any more.
      for (const output of [opened, opened.stderr]) output.once('data', closeBoth).resume();
      opened.end();
    });
  } catch {
    close();
  }
}

/** A command over ssh2. It is lost unless its status, or its signal, and the end of both outputs were seen. */
export function runningChannel(channel: ClientChannel, end: string, connection: Connection, host: string): Running {
  let how: { readonly status: number | null; readonly signal: string | null } | undefined;
  let isKilled = false;
  let isOver = false;
  const open = new Set(['stdout', 'stderr']);
  channel.on('exit', (status: number | null, signal?: string) => {
    how = { status, signal: signal ?? null };
  });
  channel.on('end', () => open.delete('stdout'));
  channel.stderr.on('end', () => open.delete('stderr'));
  const ended = new Promise<{ readonly status: number | null; readonly signal: string | null }>((resolve, reject) => {
    const lost = () =>
      reject(new ChannelLost(`the connection to ${host} was lost: whether the command had its effect is not known`));
    connection.lost.addEventListener('abort', () => {
      if (how === undefined || open.size > 0) lost();
    });
    channel.on('close', () => {
      isOver = true;
      if (how !== undefined) resolve(how);
      else if (isKilled) resolve({ status: null, signal: 'SIGKILL' });
      else lost();
    });
    if (connection.lost.aborted) lost();
  });
  ended.catch(() => undefined);
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended,
    kill: () => {
      if (isKilled || isOver) return;
      isKilled = true;
      endSession(channel, end, connection);
      channel.resume();
      channel.stderr.resume();
    },
  };
}
