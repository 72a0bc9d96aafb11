import type { HostKeySight } from '../../model/readiness.js';
import { fingerprint, type HostKeyState, judgeHostKey, keyType, knownHostsName } from './known-hosts.js';
import { readKnownHosts } from './known-hosts-file.js';
import { knownNameOf, type SshHop } from './target.js';
import type { HostKeyVerifier } from './verifier.js';

/** Told of each key that was shown on the way to a host of the fleet, and what vouches for it, before it is judged. */
export type ToldOfKey = (host: string, sight: HostKeySight) => void;

function placeOf(state: HostKeyState): { readonly at?: string } {
  if (state.state === 'unknown') return {};
  const line = state.state === 'changed' ? state.old[0] : state.at;
  return line === undefined ? {} : { at: `${line.file}:${line.line}` };
}

async function stateOf(hop: SshHop, key: Uint8Array): Promise<HostKeyState> {
  const known = await readKnownHosts([...hop.userKnownHosts, ...hop.globalKnownHosts]).catch(() => []);
  return judgeHostKey(known, knownNameOf(hop), key);
}

/** The same verifier, which tells of every key. It decides nothing itself. */
export function watchedVerifier(verifier: HostKeyVerifier, told: ToldOfKey): HostKeyVerifier {
  return {
    ...verifier,
    verify: async (way, isTarget, key, signal) => {
      const state = await stateOf(way.hop, key);
      const shown = {
        machine: knownHostsName(knownNameOf(way.hop)),
        type: keyType(key),
        fingerprint: fingerprint(key),
        isTarget,
        ...placeOf(state),
      };
      told(way.name, { ...shown, state: state.state });
      await verifier.verify(way, isTarget, key, signal);
      if (state.state === 'unknown') told(way.name, { ...shown, state: 'accepted' });
    },
  };
}
