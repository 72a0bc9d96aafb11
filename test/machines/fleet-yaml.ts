import type { Fleet, Login, Machine } from './fleet.js';
import { kinds, placeOf } from './kinds.js';

export interface FleetYamlOptions {
  /** Who logs in; `ops` when left out. `become` is sudo for all but root. */
  readonly login?: Login;
  readonly transport?: 'ssh' | 'openssh';
  /** `auto` asks the tool to find the service manager; left out: what each machine has. */
  readonly service?: 'auto';
  /** Where the password for sudo comes from, as YAML. */
  readonly sudoPassword?: string;
}

/** The fleet.yaml of the machines, as an operator writes it. */
export function fleetYaml(fleet: Fleet, options: FleetYamlOptions = {}): string {
  const { login = 'ops', transport = 'ssh', sudoPassword } = options;
  return `name: machines
group: ${fleet.group}
defaults:
  transport: ${transport}
  become: ${login === 'root' ? 'none' : 'sudo'}
${sudoPassword === undefined ? '' : `  sudo-password: ${sudoPassword}\n`}  ssh:
    user: ${login}
    identity: ${JSON.stringify(fleet.keyFile)}
    known-hosts: ${JSON.stringify(fleet.knownHosts)}
hosts:
${fleet.machines.map((machine) => hostYaml(machine, options)).join('')}`;
}

function hostYaml(machine: Machine, options: FleetYamlOptions): string {
  const runs = machine.runs.map((node) => {
    const { port, config, unit } = placeOf(machine.kind, node);
    return `      - ${node}: { port: ${port}, config: ${config}, unit: ${unit} }\n`;
  });
  return `  ${machine.name}:
    address: ${machine.address}
    service: ${options.service ?? kinds[machine.kind].manager}
    runs:
${runs.join('')}`;
}
