import { RunbookError } from '../../errors.js';
import { shellLine } from '../shell-quote.js';
import { fingerprint, type HostKeyState, keyType, knownHostsName } from './known-hosts.js';
import { hopSays, knownNameOf, type SshHop } from './target.js';

/** The machine of the way that an error is about, and the host of the fleet that it was for. */
export interface Way {
  /** Name of the host in fleet.yaml. */
  readonly name: string;
  readonly hop: SshHop;
}

/** `pv1` for the host itself, `pv1 (through ops@bastion)` for a jump host on its way. */
function whose({ name, hop }: Way, isTarget: boolean): string {
  return isTarget ? name : `${name}, by way of ${hopSays(hop)}`;
}

function sshCommand(hop: SshHop, ...flags: readonly string[]): string {
  const port = hop.port === 22 ? [] : ['-p', String(hop.port)];
  return shellLine(['ssh', ...flags, ...port, `${hop.user}@${hop.host}`]);
}

/** No connection: nothing listens, no route, no name, or no answer in time. */
export function unreachable(way: Way, isTarget: boolean, detail: string): RunbookError {
  return new RunbookError('unreachable', `${whose(way, isTarget)} cannot be reached: ${detail}.`, {
    facts: [`tried ${hopSays(way.hop)}`, 'Unreachable is not down: what runs there may go on running.'],
    next: [`${sshCommand(way.hop, '-v')}   shows where it ends`],
  });
}

/** The host is there, and its sshd and this program have no algorithm in common. */
export function tooOld(way: Way, isTarget: boolean, detail: string): RunbookError {
  return new RunbookError('unreachable', `${whose(way, isTarget)} speaks only algorithms that are not safe any more.`, {
    facts: [detail, `tried ${hopSays(way.hop)}`],
    next: ['transport: openssh   in fleet.yaml: the settings of ~/.ssh/config decide which algorithms are allowed'],
  });
}

const keyFileOnHost: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ssh_host_ed25519_key.pub',
  'ssh-rsa': 'ssh_host_rsa_key.pub',
};

/** How the key is read on the machine's own console. */
function readThere(type: string): string {
  const file = keyFileOnHost[type] ?? (type.startsWith('ecdsa') ? 'ssh_host_ecdsa_key.pub' : 'ssh_host_*_key.pub');
  return `ssh-keygen -lf /etc/ssh/${file}   on the console of the host shows its key`;
}

/** Nobody has said that the key is right. */
export function unknownHostKey(way: Way, isTarget: boolean, key: Uint8Array, why: string): RunbookError {
  const name = knownHostsName(knownNameOf(way.hop));
  return new RunbookError('host-key', `The key of ${whose(way, isTarget)} is not known: ${why}.`, {
    facts: [`${name} shows ${keyType(key)} ${fingerprint(key)}`, 'Nothing was sent to it.'],
    next: [readThere(keyType(key)), `${sshCommand(way.hop)}   asks, and keeps the key when you answer yes`],
  });
}

/** Another key than the known one, or a revoked one. Never asked about: a person in a hurry would say yes. */
export function wrongHostKey(
  way: Way,
  isTarget: boolean,
  key: Uint8Array,
  state: Extract<HostKeyState, { state: 'changed' | 'revoked' }>,
): RunbookError {
  const name = knownHostsName(knownNameOf(way.hop));
  const shown = `${name} shows   ${keyType(key)} ${fingerprint(key)}`;
  const end = 'Nothing was sent to it. Somebody else may be answering in its place.';
  if (state.state === 'revoked') {
    return new RunbookError('host-key', `The key of ${whose(way, isTarget)} is revoked.`, {
      facts: [shown, `revoked in ${state.at.file}:${state.at.line}`, end],
      next: [readThere(keyType(key))],
    });
  }
  const files = [...new Set(state.old.map(({ file }) => file))];
  return new RunbookError('host-key', `The key of ${whose(way, isTarget)} is not the one that is known.`, {
    facts: [
      shown,
      ...state.old.map((old) => `known there: ${old.type} ${old.fingerprint} (${old.file}:${old.line})`),
      end,
    ],
    next: [
      readThere(keyType(key)),
      ...files.map(
        (file) => `${shellLine(['ssh-keygen', '-R', name, '-f', file])}   only when that key is the new one`,
      ),
    ],
  });
}

/** The host's key is right, and it lets nobody in with what was offered. `facts` hold no secret. */
export function loginRefused(way: Way, isTarget: boolean, facts: readonly string[], detail: string): RunbookError {
  return new RunbookError('login', `${whose(way, isTarget)} refused the login of ${way.hop.user}: ${detail}.`, {
    facts: facts.length === 0 ? ['no key and no password was there to offer'] : facts,
    next: [`${sshCommand(way.hop, '-v')}   shows what it would accept`],
  });
}
