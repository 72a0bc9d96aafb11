import { marker, roundOf, type ScheduleOrder, stateDirectory, unitName } from './order.js';

/** A file that a schedule consists of. */
export interface ScheduleFile {
  readonly path: string;
  readonly content: string;
}

/** Service, timer and user of one fleet, as systemd reads them. */
export function systemdFiles(
  order: ScheduleOrder,
  directory = '/etc/systemd/system',
  sysusers = '/etc/sysusers.d',
): readonly ScheduleFile[] {
  const name = unitName(order.fleet);
  return [
    { path: `${directory}/${name}.service`, content: serviceText(order) },
    { path: `${directory}/${name}.timer`, content: timerText(order) },
    { path: `${sysusers}/${name}.conf`, content: sysusersText(order) },
  ];
}

function serviceText(order: ScheduleOrder): string {
  const { work, after } = roundOf(order);
  const writable = [order.repository, ...(order.metrics === undefined ? [] : [order.metrics])];
  return `${marker}
[Unit]
Description=Backup of the Redis fleet ${order.fleet}
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${order.user}
UMask=0077
StateDirectory=redis-runbook-backup
StateDirectoryMode=0700
WorkingDirectory=${stateDirectory}
Environment=HOME=${stateDirectory} XDG_CONFIG_HOME=${stateDirectory}/config XDG_STATE_HOME=${stateDirectory}/state
${order.credentials.map(({ name, path }) => `LoadCredential=${unitWord(`${name}:${path}`)}\n`).join('')}${work.map((words) => `ExecStart=${unitCommand(words)}\n`).join('')}ExecStopPost=-${unitCommand(after)}
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=12h

ReadWritePaths=${writable.map(unitWord).join(' ')}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# A drill closes its scratch server into a user and a network namespace of its own.
RestrictNamespaces=user net
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
# The engine of Node asks for memory keys; what else it tries is told no, not killed.
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM
KeyringMode=private
`;
}

function timerText({ fleet, at }: ScheduleOrder): string {
  return `${marker}
[Unit]
Description=Backup of the Redis fleet ${fleet}, by the calendar

[Timer]
OnCalendar=${at}
Persistent=true
RandomizedDelaySec=10min
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}

function sysusersText({ user }: ScheduleOrder): string {
  return `${marker}
u ${user} - "Backups of Redis fleets" ${stateDirectory} /usr/sbin/nologin
`;
}

function unitCommand(words: readonly string[]): string {
  return words.map((word) => unitWord(word).replaceAll('$', '$$$$')).join(' ');
}

/** One word of a unit file (systemd.syntax(7)): quoted where it must be, and no specifier is expanded. */
function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
}
