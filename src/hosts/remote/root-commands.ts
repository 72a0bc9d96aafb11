/**
 * Everything that goes through sudo, in one place. Nothing is installed on a host, so what sudo runs is the shell, and
 * the scripts are its arguments: sudo cannot tell one from another. The table says what they do with root's right.
 */
export const rootShell = '/bin/sh';

export interface RootUse {
  readonly what: string;
  /** The programs of the scripts that need root for it. */
  readonly commands: readonly string[];
  readonly why: string;
}

/** What the scripts need root for. Files below a directory of another user are touched with that user's right. */
export const rootUses: readonly RootUse[] = [
  {
    what: 'look at every process of the machine and at the sockets that it holds',
    commands: ['ls -l /proc/PID/fd', 'find /proc'],
    why: 'so that a password goes only to the service itself, and a signal only to the process that was seen',
  },
  {
    what: 'act as the owner of the config and data directories',
    commands: ['setpriv', 'runuser'],
    why: 'to read, keep and rewrite configs and to keep data with no more right than their owner has',
  },
  {
    what: 'write below /var/lib/redis-runbook (or state: in fleet.yaml)',
    commands: ['mkdir', 'mktemp', 'mv', 'rm', 'rmdir'],
    why: 'the lock, the hold files and the kept configs, where no other user can place them first',
  },
  {
    what: 'write a drop-in below /etc/systemd/system, or lines into /etc/default of an init script',
    commands: ['mkdir', 'mktemp', 'mv', 'rm', 'rmdir', 'systemctl daemon-reload'],
    why: 'the hold: nothing may start a node by itself. Whoever may write there is root already',
  },
  {
    what: 'stop and start the units',
    commands: ['systemctl stop', 'systemctl start', 'systemctl reset-failed', 'service'],
    why: 'a server that systemd started is stopped by systemd, with its own time limit',
  },
  {
    what: 'end and start plain processes',
    commands: ['kill -TERM', 'setsid', 'nohup'],
    why: 'a server that runs as another user, started again as that user',
  },
];

/** Only the shell is run through sudo, by its full name, so that this one line is all that a host needs. */
export function sudoersLine(user: string): string {
  return `${sudoersName(user)} ALL=(root) NOPASSWD: ${rootShell}`;
}

/** A user name as sudoers(5) reads it back: its special characters are escaped. */
export function sudoersName(user: string): string {
  return user.replace(/[^A-Za-z0-9._-]/g, (character) => `\\${character}`);
}
