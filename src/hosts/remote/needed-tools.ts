import type { HostEntry } from '../../model/inventory.js';

/** Tools of POSIX and of what a Linux host has anyway; where one of several is enough they stand together. */
const always = [
  'awk cat chgrp chmod chown cp cut date df find grep head id kill ln ls mkdir mktemp mv od printf pwd readlink rm rmdir',
  'sed sh sleep stat sync tail tee touch tr uname',
  'sha256sum|openssl|shasum setsid|nohup',
].flatMap((line) => line.split(' '));

/** What acts as another user when root logged in or sudo is there; getent is not needed where /etc/passwd says all. */
const asRoot = ['setpriv|runuser|sudo'];

const systemd = ['systemctl', 'busctl', 'journalctl'];

/** Every tool that the scripts use on this host. A few are needed only by some files (ACLs, SELinux): not listed. */
export function neededTools(entry: HostEntry, hasSystemd: boolean): readonly string[] {
  const manager = hasSystemd && entry.service !== 'process' ? systemd : [];
  return [...always, ...(entry.become === 'sudo' ? asRoot : []), ...manager];
}
