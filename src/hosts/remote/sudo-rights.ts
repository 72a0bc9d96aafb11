import { RunbookError } from '../../errors.js';
import type { HostEntry } from '../../model/inventory.js';
import { reasonOf } from '../reading.js';
import { shellQuote } from '../shell-quote.js';
import { rootShell, sudoersLine } from './root-commands.js';

/** What the login user of a host may become. `refused`: sudo's own words why not. */
export interface Rights {
  readonly uid: number;
  readonly user: string;
  readonly sudo: 'not-needed' | 'without-password' | 'asks' | { readonly refused: string };
  /** What root was seen to become another user by; left out where root was not reached, or that does not work there. */
  readonly actsBy?: 'setpriv';
}

/** What root says of itself. */
const ROOT = `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2> /dev/null; then echo setpriv; fi`;

/**
 * Says who is logged in and, with `sudo` as $1, whether `sudo -n` works; and by what root becomes another user. For
 * `readRights`.
 */
export const PROBE = `LC_ALL=C; export LC_ALL
me=$(id -u)
printf '%s\\n' "$me"; id -un
if [ "$me" = 0 ]; then ${ROOT}
exit 0; fi
[ "$1" = sudo ] || exit 0
if command -v sudo > /dev/null 2>&1; then sudo -n ${rootShell} -c ${shellQuote(`echo open; ${ROOT}`)} 2>&1; else echo 'sudo is not installed'; fi
exit 0`;

/** A RunbookError `sudo` that names the host, what sudo said, and the line that would give the right. */
export function sudoError(host: string, user: string, said: string, source?: string): RunbookError {
  const tty = /must have a tty|no tty present/.test(said);
  const lines = tty ? [`Defaults:${user} !requiretty`, sudoersLine(user)] : [sudoersLine(user)];
  return new RunbookError('sudo', `${host}: ${user} cannot become root through sudo`, {
    facts: [
      ...(said === '' ? [] : [`sudo says: ${said}`]),
      ...(source === undefined ? [] : [`the password came from ${source}, as sudo-password in the fleet file says`]),
      `to give the right: ${lines.map((line) => `visudo on ${host}: ${line}`).join('; ')}`,
    ],
    next: ['redis-runbook doctor'],
  });
}

function sayOf(text: string): string {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/^sudo: /, '')
      .replace(/[^\x20-\x7e]/g, '?')
      .trim(),
  );
  return (
    lines
      .filter((line) => line !== '')
      .at(-1)
      ?.slice(0, 200) ?? ''
  );
}

/** What the probe printed. Throws an Error when it does not say who is logged in. */
export function readRights(output: string, become: HostEntry['become']): Rights {
  const [uid = '', user = '', ...said] = output.split('\n');
  if (!/^\d+$/.test(uid)) throw new Error(`the host did not say who is logged in: ${sayOf(output)}`);
  const actsBy = said.includes('setpriv') ? ({ actsBy: 'setpriv' } as const) : {};
  const who = { uid: Number(uid), user, ...actsBy };
  if (who.uid === 0 || become === 'none') return { ...who, sudo: 'not-needed' };
  const text = said.join('\n');
  if (/^open$/m.test(text)) return { ...who, sudo: 'without-password' };
  if (/password is required/.test(text)) return { ...who, sudo: 'asks' };
  return { ...who, sudo: { refused: sayOf(text) || 'nothing' } };
}

/** What stood against becoming root, and where the password came from; not the lines that would give the right. */
export function whyNotRoot(error: unknown): string {
  const facts = error instanceof RunbookError ? error.facts : [];
  return [reasonOf(error), ...facts.filter((fact) => !fact.startsWith('to give the right'))].join('; ');
}
