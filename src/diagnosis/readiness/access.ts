import type { Check, HostKeySight } from '../../model/readiness.js';
import { check, type Examined } from './examined.js';

/** Whether somebody can log in, whose key vouches, and what the login may become. */
export function accessChecks(examined: Examined): readonly Check[] {
  return [...loginChecks(examined), ...keyChecks(examined), ...sudoChecks(examined)];
}

function loginChecks(examined: Examined): readonly Check[] {
  const { login, entry, loginMs } = examined;
  if (login.ok) {
    const { user } = login.value;
    const how = entry.transport === 'local' ? 'this machine' : `${(loginMs / 1000).toFixed(1)} s`;
    return [check(examined, 'login', 'ok', `${user}, ${how}`)];
  }
  const { word, message, facts, next } = login.refusal;
  // A key that is not right is said by its own line.
  if (word === 'host-key' && examined.keys.some(isWrong)) return [];
  const id = word === 'host-key' ? 'host-key' : word === 'sudo' ? 'sudo' : 'login';
  const first = facts[0] === undefined ? '' : ` (${facts[0]})`;
  return [check(examined, id, 'unseen', `${message}${first}`, nextOf(next[0]))];
}

function nextOf(next: string | undefined): { readonly next?: string } {
  return next === undefined ? {} : { next };
}

function isWrong(key: HostKeySight): boolean {
  return key.state !== 'known' && key.state !== 'accepted';
}

function keyChecks(examined: Examined): readonly Check[] {
  return examined.keys.map((key) => {
    const shown = `${key.machine} shows ${key.type} ${key.fingerprint}`;
    const says = {
      known: `${key.fingerprint}, known by ${key.at ?? 'the known-hosts files'}`,
      accepted: `${shown}, accepted a moment ago; now in the known-hosts file`,
      unknown: `${shown}: no known-hosts file knows it`,
      changed: `${shown}, and ${key.at ?? 'the known-hosts file'} holds another key: somebody else may be answering`,
      revoked: `${shown}: revoked in ${key.at ?? 'the known-hosts file'}`,
    }[key.state];
    const refused = examined.login.ok ? undefined : examined.login.refusal.next;
    // A changed key is read on the machine's own console before anything is taken out of a file.
    const first = key.state === 'unknown' ? refused?.at(-1) : refused?.[0];
    const next = isWrong(key) ? (first ?? `ssh-keygen -F ${key.machine}`) : undefined;
    return check(examined, 'host-key', isWrong(key) ? 'unseen' : 'ok', says, nextOf(next));
  });
}

function sudoChecks(examined: Examined): readonly Check[] {
  const { login, entry } = examined;
  if (!login.ok) return [];
  const { sudo, user, uid, sudoSays } = login.value;
  const lines = 'redis-runbook doctor --sudoers';
  switch (sudo) {
    case 'not-needed':
      return [notNeeded(examined, uid, user)];
    case 'without-password':
      return [check(examined, 'sudo', 'ok', `${user} becomes root without a password`)];
    case 'with-password':
      return [check(examined, 'sudo', 'ok', `${user} becomes root with a password, which was accepted`)];
    case 'needs-password':
      return [
        check(examined, 'sudo', 'unseen', `sudo asks ${user} for a password, and nobody can be asked here`, {
          next: `redis-runbook doctor   in a terminal; or sudo-password in the fleet file; or ${lines}`,
        }),
      ];
    case 'refused':
      return [
        check(
          examined,
          'sudo',
          'unseen',
          `${user} cannot become root on ${entry.name}: ${sudoSays ?? 'sudo refuses'}`,
          {
            next: lines,
          },
        ),
      ];
  }
}

/** Without root a unit can be neither held nor stopped; plain processes of the same user can. */
function notNeeded(examined: Examined, uid: number, user: string): Check {
  if (uid === 0) return check(examined, 'sudo', 'ok', 'root itself');
  const managed = [...examined.managers.values()].some((manager) => manager.ok && manager.value.kind !== 'process');
  if (!managed) return check(examined, 'sudo', 'ok', `${user} acts as itself (become: none)`);
  const says = `become: none, and ${user} is not root: units can be neither held nor stopped`;
  return check(examined, 'sudo', 'problem', says, { next: 'become: sudo   in fleet.yaml' });
}
