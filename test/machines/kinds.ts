import type { NodeKind } from '../../src/model/inventory.js';

/** The machines that can be booted: a Debian suite, what starts its services, and whose server it runs. */
export type MachineKind = 'bookworm' | 'bullseye-sysv' | 'trixie' | 'trixie-valkey';

/** What differs from one kind of machine to the next. */
export interface KindFacts {
  readonly suite: string;
  readonly manager: 'systemd' | 'sysvinit';
  readonly family: 'redis' | 'valkey';
  /** Series of the server that the suite ships. */
  readonly series: string;
  readonly packages: readonly string[];
}

const common = ['openssh-server', 'sudo', 'iproute2', 'procps'];
const systemd = ['systemd', 'systemd-sysv', 'dbus', 'libpam-systemd'];

export const kinds: Readonly<Record<MachineKind, KindFacts>> = {
  bookworm: {
    suite: 'bookworm',
    manager: 'systemd',
    family: 'redis',
    series: '7.0',
    packages: [...systemd, ...common, 'redis-server', 'redis-sentinel'],
  },
  'bullseye-sysv': {
    suite: 'bullseye',
    manager: 'sysvinit',
    family: 'redis',
    series: '6.0',
    packages: ['sysvinit-core', ...common, 'redis-server', 'redis-sentinel'],
  },
  trixie: {
    suite: 'trixie',
    manager: 'systemd',
    family: 'redis',
    series: '8.0',
    packages: [...systemd, ...common, 'redis-server', 'redis-sentinel'],
  },
  'trixie-valkey': {
    suite: 'trixie',
    manager: 'systemd',
    family: 'valkey',
    series: '8.1',
    packages: [...systemd, ...common, 'valkey-server', 'valkey-sentinel'],
  },
};

/** Where a kind of machine has a node, as its packages lay it out. */
export interface NodePlace {
  /** Name of the unit or init script. */
  readonly unit: string;
  readonly config: string;
  readonly data: string;
  readonly log: string;
  readonly port: number;
}

/** The place of a node on a kind of machine. */
export function placeOf(kind: MachineKind, node: NodeKind): NodePlace {
  const { family } = kinds[kind];
  const what = node === 'redis' ? 'server' : 'sentinel';
  return {
    unit: `${family}-${what}`,
    config: `/etc/${family}/${node === 'redis' ? family : 'sentinel'}.conf`,
    data: `/var/lib/${family}`,
    log: `/var/log/${family}/${family}-${what}.log`,
    port: node === 'redis' ? 6379 : 26379,
  };
}
