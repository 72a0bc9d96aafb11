import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checked } from './check.js';
import type { Machines } from './shapes.js';

/** What report.md of a run says that the machines can be asked for. */
interface Report {
  readonly result: string;
  readonly master: string;
  /** Of every sentinel. */
  readonly epochs: readonly string[];
  /** Who the proof says is linked to the master. */
  readonly replicas: readonly string[];
  /** Proofs that are not ok. */
  readonly notProved: readonly string[];
}

/** The latest run's report, as a person reads it. */
export function reportOf(machines: Machines): Report {
  const runs = join(machines.directory, 'operator', 'state', 'redis-runbook', 'runs');
  const name = readdirSync(runs).sort().at(-1) ?? '';
  const text = readFileSync(join(runs, name, 'report.md'), 'utf8').replace(/\\([^\w\s])/g, '$1');
  const [, master = '', epoch = ''] = /^- Master: (\S+); epoch (\d+)$/m.exec(text) ?? [];
  const proof = text.slice(text.indexOf('## Proof'), text.indexOf('## Left to do')).split('\n');
  return {
    result: /^- Result: \*\*(\w+)\*\*$/m.exec(text)?.[1] ?? '',
    master,
    epochs: machines.hosts.filter(({ runs: nodes }) => nodes.includes('sentinel')).map(() => epoch),
    replicas: proof.flatMap((line) => /^- ok: (\S+) follows /.exec(line)?.[1] ?? []).sort(),
    notProved: proof.filter((line) => line.startsWith('- ') && !line.startsWith('- ok: ')),
  };
}

/** The same as plain ssh and the servers' own client say it. */
export function reportWanted(machines: Machines, checked: readonly Checked[], master: string): Report {
  const reached = checked.flatMap((one) => (one.reachable ? [one] : []));
  const address = machines.hosts.find(({ name }) => name === master)?.address;
  const replicas = reached.filter(
    ({ redis }) => redis?.role === 'slave' && redis.master_host === address && redis.master_link_status === 'up',
  );
  return {
    result: 'done',
    master: reached.find(({ redis }) => redis?.role === 'master')?.host ?? '',
    epochs: reached.flatMap(({ sentinel }) => sentinel?.['config-epoch'] ?? []),
    replicas: replicas.map(({ host }) => host).sort(),
    notProved: [],
  };
}
