import type { Channel } from '../../src/hosts/channel.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { shellLine } from '../../src/hosts/shell-quote.js';

export interface ShellChannel extends Channel {
  /** The commands that were run, in order. */
  readonly commands: readonly string[];
}

/** A channel to this machine that remembers its commands; `shell`: what carries them out in place of /bin/sh. */
export function shellChannel(host: string, shell: readonly string[] = []): ShellChannel {
  const commands: string[] = [];
  const channel = openLocalChannel(host);
  return {
    ...channel,
    commands,
    exec: (command, options, signal) => {
      commands.push(command);
      return channel.exec(shell.length > 0 ? shellLine([...shell, command]) : command, options, signal);
    },
  };
}
