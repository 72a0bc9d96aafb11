import { marker, roundOf, type ScheduleOrder, stateDirectory, unitName } from './order.js';
import type { ScheduleFile } from './systemd.js';

/** The file of /etc/cron.d for one fleet. Its name has no dot: cron passes over those that have. */
export function cronFile(order: ScheduleOrder, directory = '/etc/cron.d'): ScheduleFile {
  const settings = [
    'SHELL=/bin/sh',
    `HOME=${stateDirectory}`,
    `XDG_CONFIG_HOME=${stateDirectory}/config`,
    `XDG_STATE_HOME=${stateDirectory}/state`,
  ];
  const { work, after } = roundOf(order);
  const steps = work.map(shellCommand).join(' && ');
  const line = `${order.at} ${order.user} umask 077; ${steps}; code=$?; ${shellCommand(after)} >/dev/null; exit $code`;
  // In crontab(5) a bare % ends the command.
  return {
    path: `${directory}/${unitName(order.fleet)}`,
    content: `${marker}\n${settings.join('\n')}\n${line.replaceAll('%', '\\%')}\n`,
  };
}

function shellCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[A-Za-z0-9_@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
