import { randomBytes } from 'node:crypto';

/**
 * A command that can be ended from a second session. sshd takes no signals for root's sessions (session.c:
 * session_signal_req wants privilege separation) nor below 7.9, and OpenSSH's client sends none; closing a session
 * leaves a silent command running.
 */
export interface NamedCommand {
  /** The command, with a name that its shell keeps in its own command line. */
  readonly command: string;
  /** Ends the shell with that name and everything in its process group. */
  readonly end: string;
}

const NAME = /^rrb-[0-9a-f]{24}$/;

/**
 * Ends the process group of the shell with that name. The name is a literal in two quoted halves, else the command would
 * find itself; an empty pattern would find every process of the host, so that nothing but a whole name, and no process
 * but one with a number of its own above 1, is ever taken. Throws TypeError for another name.
 */
export function endNamed(name: string): string {
  if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a command`);
  const pattern = `'${name.slice(0, 12)}''${name.slice(12)}'`;
  const each = `p=\${f#/proc/}; p=\${p%/cmdline}; case $p in '' | 1 | *[!0-9]*) ;; *) kill -s KILL -- "-$p" ;; esac`;
  return `for f in $(grep -ls -e ${pattern} /proc/[1-9]*/cmdline); do ${each}; done 2>/dev/null`;
}

/** A POSIX shell line with a name of its own. The last line keeps the shell from handing its process to the command. */
export function namedCommand(command: string): NamedCommand {
  const name = `rrb-${randomBytes(12).toString('hex')}`;
  return { command: `: ${name}\n${command}\nexit $?`, end: endNamed(name) };
}
