import { type HostEntry, type NodeEntry, placeOf } from '../model/inventory.js';

/** The commands that a person would type for the same effect. Output only. */

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A word for a shell, quoted when it must be. */
export function word(text: string): string {
  return plain.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function become(host: HostEntry): string {
  return host.become === 'sudo' ? 'sudo ' : '';
}

function hasUnits(host: HostEntry): boolean {
  return host.service === 'systemd' || (host.service === 'auto' && host.transport !== 'local');
}

export function stopCommand(host: HostEntry, node: NodeEntry, pid: number | undefined): string {
  if (hasUnits(host)) return `${become(host)}systemctl stop ${word(node.unit)}`;
  if (host.service === 'sysvinit') return `${become(host)}service ${word(node.unit)} stop`;
  return pid === undefined ? `# ${node.id}: no process to stop` : `${become(host)}kill -TERM ${pid}`;
}

export function startCommand(host: HostEntry, node: NodeEntry): string {
  if (hasUnits(host)) return `${become(host)}systemctl start ${word(node.unit)}`;
  if (host.service === 'sysvinit') return `${become(host)}service ${word(node.unit)} start`;
  return `${become(host)}${node.start.map(word).join(' ')}`;
}

/** Where a hold of the node is written on its host. */
export function holdPath(host: HostEntry, node: NodeEntry): string {
  const several = host.nodes.filter((other) => other.kind === node.kind).length > 1;
  return `${host.state}/hold/${node.kind}${several ? `:${node.port}` : ''}`;
}

/** redis-cli against one node; the password is asked for, never written down. */
export function cli(node: NodeEntry, ...words: readonly string[]): string {
  const { address, port } = placeOf(node);
  const place = port === 0 ? `-s ${word(address)}` : `-h ${word(address)} -p ${port}`;
  const user = node.user === undefined ? '' : ` --user ${word(node.user)}`;
  const auth = node.kind === 'redis' || node.user !== undefined ? ' --askpass' : '';
  return `redis-cli ${place}${tlsOptions(node)}${user}${auth} ${words.map(word).join(' ')}`;
}

function tlsOptions({ tls }: NodeEntry): string {
  if (!tls) return '';
  const options = [
    ['--sni', tls.serverName],
    ['--cacert', tls.ca],
    ['--cert', tls.cert],
    ['--key', tls.key],
  ].flatMap(([option, value]) => (value === undefined ? [] : [`${option} ${word(value)}`]));
  return [' --tls', ...options].join(' ');
}
