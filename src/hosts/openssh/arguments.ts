import { shellLine } from '../shell-quote.js';
import { type SshHop, type SshTarget, safeName } from '../ssh/target.js';

/** How a hop is reached from here: through a master that runs already, or by the target's own ProxyCommand. */
export type Via =
  | { readonly control: string; readonly hop: SshHop }
  | { readonly proxyCommand: SshTarget['proxyCommand'] };

/** Never a question, never anything of ours to the host, over whatever ~/.ssh/config says. */
const ALWAYS = [
  'BatchMode=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'ClearAllForwardings=yes',
  'Tunnel=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'EscapeChar=none',
  'UpdateHostKeys=no',
  'VisualHostKey=no',
  'LogLevel=INFO',
  'ControlPersist=no',
] as const;

const options = (settings: readonly string[]): string[] => settings.flatMap((setting) => ['-o', setting]);

/** A value of ssh_config in double quotes. Throws RangeError for what cannot be quoted there. */
function configQuote(value: string): string {
  if (/["\\\r\n\0]/.test(value)) throw new RangeError(`${JSON.stringify(value)} cannot stand in an ssh option`);
  return `"${value.replaceAll('%', '%%')}"`;
}

/** AES-GCM first among what is allowed: twice as fast as OpenSSH's own first choice. */
function ciphers(hop: SshHop): readonly string[] {
  if (hop.ciphers.length === 0) return [];
  const isFast = (name: string) => name.includes('-gcm@');
  const ordered = [...hop.ciphers.filter(isFast), ...hop.ciphers.filter((name) => !isFast(name))];
  return [`Ciphers=${ordered.join(',')}`];
}

function proxy(via: Via | undefined, hop: SshHop): readonly string[] {
  if (via === undefined) return ['ProxyJump=none', 'ProxyCommand=none'];
  if ('control' in via) {
    const through = ['ssh', ...muxArguments(via.control), '-W', `[${hop.hostName}]:${hop.port}`, '--', via.hop.host];
    return [`ProxyCommand=${shellLine(through).replaceAll('%', '%%')}`];
  }
  if (via.proxyCommand === undefined || via.proxyCommand === 'configured') return [];
  return [`ProxyCommand=${shellLine(via.proxyCommand).replaceAll('%', '%%')}`];
}

/** Which keys are the right ones: the machine's files, or another file while its key is being fetched. */
export type Strictness = { readonly fetchInto: string } | 'strict';

function verification(hop: SshHop, strictness: Strictness): readonly string[] {
  if (strictness !== 'strict') {
    return [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${configQuote(strictness.fetchInto)}`,
      'GlobalKnownHostsFile=/dev/null',
      'HashKnownHosts=no',
      // With no way to log in nothing but the exchange of keys can happen.
      'PreferredAuthentications=none',
      'PubkeyAuthentication=no',
      'PasswordAuthentication=no',
      'KbdInteractiveAuthentication=no',
      'GSSAPIAuthentication=no',
      'HostbasedAuthentication=no',
    ];
  }
  const files = (name: string, paths: readonly string[]) => `${name}=${paths.map(configQuote).join(' ') || 'none'}`;
  return [
    'StrictHostKeyChecking=yes',
    files('UserKnownHostsFile', hop.userKnownHosts),
    files('GlobalKnownHostsFile', hop.globalKnownHosts),
  ];
}

function login(hop: SshHop): readonly string[] {
  const identities = hop.identitiesOnly ? hop.identities.map((file) => `IdentityFile=${configQuote(file)}`) : [];
  return [`User=${hop.user}`, `Port=${hop.port}`, ...(hop.identitiesOnly ? ['IdentitiesOnly=yes'] : []), ...identities];
}

/** The arguments of the ssh that holds the connection to a hop. Names are checked again: throws RunbookError `usage`. */
export function masterArguments(
  hop: SshHop,
  via: Via | undefined,
  how: { readonly control: string; readonly strictness: Strictness; readonly configFile?: string },
): readonly string[] {
  const seconds = Math.ceil(hop.connectTimeoutMs / 1000);
  const { control, strictness, configFile } = how;
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    '-N',
    '-T',
    ...(strictness === 'strict' ? ['-M', '-S', control] : ['-S', 'none']),
    ...options([
      ...ALWAYS,
      ...verification(hop, strictness),
      ...proxy(via, hop),
      ...ciphers(hop),
      ...login(hop),
      `ConnectTimeout=${seconds}`,
      'ServerAliveInterval=5',
      'ServerAliveCountMax=3',
    ]),
    '--',
    safeName(hop.host, 'the address of a machine'),
  ];
}

/**
 * The arguments of an ssh that uses the connection of a master. When the master is gone, ssh would log in by itself:
 * a ProxyCommand that fails keeps it from doing so.
 */
export function muxArguments(control: string): readonly string[] {
  return [
    '-F',
    '/dev/null',
    '-T',
    '-S',
    control,
    ...options([...ALWAYS.slice(0, -1), 'ControlMaster=no', 'ProxyCommand=false']),
  ];
}
