import type { Duplex } from 'node:stream';
import type { Channel } from '../channel.js';
import { ForwardRefused } from '../forwarded.js';
import { type OpenScript, relayed } from '../relay.js';
import { shellLine } from '../shell-quote.js';
import type { Shell } from './sudo.js';

/** How connections leave a host, for the whole run: what was refused once is not asked for again. */
interface Ways {
  readonly tcp: Way;
  readonly unix: Way;
}

interface Way {
  relay: boolean;
  root: boolean;
}

/** A line for the operator, said once. */
export type Tell = (line: string) => void;

/**
 * Connections from a host, as `Host.connect`: forwarded by sshd; where that is off, by a relay that runs there, which is
 * told once. A unix socket that the login user may not open is opened as root where fleet.yaml says `become: sudo`.
 */
export function connector(channel: Channel, shell: Shell, become: boolean, tell: Tell = () => undefined) {
  const ways: Ways = { tcp: { relay: false, root: false }, unix: { relay: false, root: false } };
  const plain: OpenScript = ({ script, args }, signal) =>
    channel.open(shellLine(['/bin/sh', '-c', script, 'sh', ...args]), signal);
  const asRoot: OpenScript = (script, signal) => shell.open(script, signal);
  const relay = (open: OpenScript, address: string, port: number, signal: AbortSignal) =>
    relayed(open, channel.host, address, port, signal);

  async function asWhomItMay(way: Way, address: string, port: number, signal: AbortSignal): Promise<Duplex> {
    if (way.root) return relay(asRoot, address, port, signal);
    try {
      return await relay(plain, address, port, signal);
    } catch (error) {
      if (!(port === 0 && become && error instanceof ForwardRefused && error.code === 'EPERM')) throw error;
      way.root = true;
      return relay(asRoot, address, port, signal);
    }
  }

  return async (address: string, port: number, signal: AbortSignal): Promise<Duplex> => {
    const way = port === 0 ? ways.unix : ways.tcp;
    if (way.relay) return asWhomItMay(way, address, port, signal);
    try {
      return await channel.forward(address, port, signal);
    } catch (error) {
      // For a unix socket sshd says "open failed" whatever the reason; the relay says which.
      const isOff = error instanceof ForwardRefused && (error.code === 'EACCES' || port === 0);
      if (!isOff) throw error;
      const stream = await asWhomItMay(way, address, port, signal);
      if (!way.relay && error.code === 'EACCES' && port !== 0) {
        tell(`${channel.host}: its sshd forwards no connections, so Redis is reached through a relay that runs there.`);
      }
      way.relay = true;
      return stream;
    }
  };
}
