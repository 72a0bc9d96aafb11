import { rootUses, sudoersLine, sudoersName } from '../hosts/remote/root-commands.js';
import type { HostEntry } from '../model/inventory.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';

/** A login of the fleet, and the hosts that are entered with it. */
export interface Account {
  readonly user: string;
  readonly hosts: readonly string[];
}

/** Who logs in where and needs sudo there; nobody is logged in to find it out. */
export async function accountsOf(
  hosts: readonly HostEntry[],
  signal: AbortSignal,
): Promise<{ readonly accounts: readonly Account[]; readonly without: readonly string[] }> {
  const { resolveTarget } = await import('../hosts/ssh/resolve-target.js');
  const users = await Promise.all(
    hosts.map(async (entry) => {
      if (entry.transport === 'local' || entry.become === 'none') return undefined;
      const { user } = await resolveTarget(entry, signal);
      return user === 'root' ? undefined : user;
    }),
  );
  const accounts = [...new Set(users.flatMap((user) => user ?? []))].map((user) => ({
    user,
    hosts: hosts.flatMap((entry, index) => (users[index] === user ? [entry.name] : [])),
  }));
  const without = hosts.flatMap((entry, index) => (users[index] === undefined ? [entry.name] : []));
  return { accounts, without };
}

/**
 * The lines as a file that visudo accepts: everything but the lines themselves is a comment. It says plainly what the
 * line is worth: whoever has it is root.
 */
export function sudoersText(accounts: readonly Account[], without: readonly string[]): string {
  const none =
    without.length === 0 ? [] : comment(`No line is needed on ${without.join(' ')}: root, local, or become: none.`);
  if (accounts.length === 0) return `${none.join('\n')}\n`;
  const blocks = [
    ...accounts.map(({ user, hosts }) => [
      ...comment(`on ${hosts.join(' ')}: visudo -f /etc/sudoers.d/redis-runbook`),
      sudoersLine(user),
    ]),
    honest,
    ...accounts.slice(0, 1).map(({ user }) => narrower(user)),
    ...(none.length > 0 ? [none] : []),
  ];
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
}

/** sudoers(5) takes `#` and a digit for a user id, and `#include` for a file: a blank always follows. */
function comment(text: string): string[] {
  return wrap(printableProse(text), 78, '# ', '# ');
}

const honest = [
  ...comment(
    'This line is root. Nothing is installed on a host: the tool sends shell scripts, so sudo sees /bin/sh and cannot tell one script from another. Whoever may log in as this user may do everything there. What the scripts do with the right:',
  ),
  ...rootUses.flatMap(({ what, commands, why }) => [
    '#',
    ...wrap(`- ${what}: ${why}.`, 78, '# ', '#   '),
    ...wrap(`(${commands.join(', ')})`, 78, '#   ', '#   '),
  ]),
  '#',
  ...comment(
    'A list of systemctl verbs and units instead would not do: a recovery first makes sure that nothing starts a node by itself, and whoever may write that drop-in is root already. Arguments after /bin/sh narrow nothing either. A right to act as redis alone (runas) is enough for files, and not for that.',
  ),
];

function narrower(user: string): string[] {
  const name = sudoersName(user);
  return [
    ...comment('Narrower, and real:'),
    '#',
    ...comment(
      '- With the password, asked once for each account of a run, on a terminal. A stolen key alone is then not root:',
    ),
    `#     ${name} ALL=(root) PASSWD: /bin/sh`,
    ...comment('- Until a day and hour (UTC) only; sudo 1.8.20 or newer:'),
    `#     ${name} ALL=(root) NOTAFTER=20300101060000Z NOPASSWD: /bin/sh`,
    ...comment(
      `- Only to look: no line at all, become: none in fleet.yaml, and this on each host: usermod -aG redis,adm ${name}. Files and logs are read then; a node with a password is not asked, because the process behind its port cannot be proved to be its own.`,
    ),
    ...comment(`- Where sudo says that it must have a tty, one more line: Defaults:${name} !requiretty`),
    ...comment('Every use is in the log of sudo. To have the scripts there too: Defaults log_input'),
  ];
}
