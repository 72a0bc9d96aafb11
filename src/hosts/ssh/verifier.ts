import { RunbookError } from '../../errors.js';
import { reasonOf } from '../reading.js';
import { unknownHostKey, type Way, wrongHostKey } from './connect-errors.js';
import { fingerprint, judgeHostKey, keyType, knownHostsLine, knownHostsName, knownTypes } from './known-hosts.js';
import { appendKnownHost, readKnownHosts } from './known-hosts-file.js';
import { knownNameOf, type SshHop } from './target.js';

/** What a person is asked about a key that nobody knows yet. */
export interface HostKeyQuestion {
  /** Name of the fleet's host that needs it. */
  readonly name: string;
  /** As it will stand in the known-hosts file. */
  readonly machine: string;
  readonly type: string;
  readonly fingerprint: string;
  /** The files name a certificate authority for it, which is not supported: the key itself must be compared. */
  readonly hasCertAuthority: boolean;
  /** Where an accepted key is written. */
  readonly file: string;
}

/** Who is asked. Left out: nobody can be, and what would have to be asked is refused. */
export interface VerifierQuestions {
  readonly acceptKey?: (question: HostKeyQuestion, signal: AbortSignal) => Promise<boolean>;
  /** The second yes: whether a password may go to a machine whose key was accepted in this session. */
  readonly sendPassword?: (question: HostKeyQuestion, signal: AbortSignal) => Promise<boolean>;
}

/**
 * Decides about host keys, the same for every hop, transport and reconnect. There is no way to open a connection
 * without one.
 */
export interface HostKeyVerifier {
  /** Resolves when the key is the machine's own. Rejects with RunbookError `host-key`; a changed or revoked key is never asked about. */
  verify(way: Way, isTarget: boolean, key: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Types of the keys that are known for the machine: they are asked for first. */
  typesOf(hop: SshHop): Promise<readonly string[]>;
  /** Whether a password (login or sudo) may be sent to the machine. Asks once where its key was accepted in this session. */
  mayHavePassword(hop: SshHop, signal: AbortSignal): Promise<boolean>;
}

interface Accepted {
  readonly question: HostKeyQuestion;
  password?: Promise<boolean>;
}

/** One question at a time, in the order in which they came up. */
function inTurn(): <T>(ask: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (ask) => {
    const next = last.then(ask, ask);
    last = next.catch(() => undefined);
    return next;
  };
}

async function filesOf(way: Way): Promise<Awaited<ReturnType<typeof readKnownHosts>>> {
  try {
    return await readKnownHosts([...way.hop.userKnownHosts, ...way.hop.globalKnownHosts]);
  } catch (error) {
    throw new RunbookError('host-key', `The key of ${way.name} cannot be verified: ${reasonOf(error)}.`, {
      next: ['make the known-hosts file readable, or name another one in fleet.yaml: ssh: { known-hosts: FILE }'],
    });
  }
}

/** A verifier over the known-hosts files of each machine. Accepted keys are written to the first user file. */
export function hostKeyVerifier(questions: VerifierQuestions): HostKeyVerifier {
  const accepted = new Map<string, Accepted>();
  const turn = inTurn();
  const machineOf = (hop: SshHop) => knownHostsName(knownNameOf(hop));

  async function ask(way: Way, isTarget: boolean, key: Uint8Array, hasCertAuthority: boolean, signal: AbortSignal) {
    const file = way.hop.userKnownHosts[0];
    const { acceptKey } = questions;
    if (acceptKey === undefined || file === undefined) {
      throw unknownHostKey(
        way,
        isTarget,
        key,
        file === undefined ? 'there is no file to keep it' : 'nobody can be asked',
      );
    }
    const machine = machineOf(way.hop);
    const question = {
      name: way.name,
      machine,
      type: keyType(key),
      fingerprint: fingerprint(key),
      hasCertAuthority,
      file,
    };
    if (!(await acceptKey(question, signal))) throw unknownHostKey(way, isTarget, key, 'it was not accepted');
    accepted.set(machine, { question });
    // A file that cannot be written (a read-only home) only means that the next session asks again.
    await appendKnownHost(file, knownHostsLine(knownNameOf(way.hop), key)).catch(() => undefined);
  }

  return {
    verify: async (way, isTarget, key, signal) => {
      const judge = async () => judgeHostKey(await filesOf(way), knownNameOf(way.hop), key);
      const refuseWrong = (state: Awaited<ReturnType<typeof judge>>) => {
        if (state.state === 'changed' || state.state === 'revoked') throw wrongHostKey(way, isTarget, key, state);
        return state;
      };
      if (refuseWrong(await judge()).state === 'known') return;
      // Many hosts behind one bastion ask at the same time: the second one finds the answer of the first in the file.
      await turn(async () => {
        const state = refuseWrong(await judge());
        const before = accepted.get(machineOf(way.hop))?.question;
        if (state.state === 'known' || before?.fingerprint === fingerprint(key)) return;
        await ask(way, isTarget, key, state.certAuthority, signal);
      });
    },
    typesOf: async (hop) => {
      const known = await readKnownHosts([...hop.userKnownHosts, ...hop.globalKnownHosts]).catch(() => []);
      return knownTypes(known, knownNameOf(hop));
    },
    mayHavePassword: async (hop, signal) => {
      const fresh = accepted.get(machineOf(hop));
      if (fresh === undefined) return true;
      const { sendPassword } = questions;
      if (sendPassword === undefined) return false;
      fresh.password ??= turn(() => sendPassword(fresh.question, signal));
      return fresh.password;
    },
  };
}
