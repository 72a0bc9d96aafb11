import type { Channel } from './channel.js';
import { runningChild, startChild } from './child.js';
import { connectHere } from './connect-here.js';
import { minimalEnvironment } from './local-run.js';
import { asStream, runToEnd } from './running.js';

/** A shell of this machine as a channel: what tests run where no SSH is needed. There is no connection to lose. */
export function openLocalChannel(host: string): Channel {
  const start = (command: string, signal: AbortSignal) => {
    signal.throwIfAborted();
    return runningChild(startChild('/bin/sh', ['-c', command], minimalEnvironment()));
  };
  return {
    host,
    exec: async (command, options, signal) => runToEnd(start(command, signal), options, signal),
    open: async (command, signal) => asStream(start(command, signal), signal),
    forward: connectHere,
    close: async () => undefined,
  };
}
