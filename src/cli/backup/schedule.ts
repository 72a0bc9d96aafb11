import { realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { whatIs } from '../../backup/repository/durable.js';
import { isEmptyPolicy } from '../../backup/retention/decide.js';
import { type CalendarAnswer, checkCron, checkSystemd } from '../../backup/schedule/calendar.js';
import { cronFile } from '../../backup/schedule/cron.js';
import { readFiles, removeFiles, runSystem, type SystemAnswer, writeFiles } from '../../backup/schedule/install.js';
import { cronJobManifest } from '../../backup/schedule/kubernetes.js';
import { type ScheduleOrder, unitName } from '../../backup/schedule/order.js';
import { type ScheduleFile, systemdFiles } from '../../backup/schedule/systemd.js';
import { exitStatus, RunbookError } from '../../errors.js';
import { toJson } from '../../model/json.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { backupPlace } from './open.js';

/** `backup schedule install|show|remove`: a timer of systemd, a line for cron, or a manifest for Kubernetes. Exit 0. */
export async function backupSchedule(flags: BackupFlags, context: Context): Promise<number> {
  const [action] = flags.args;
  const order = await orderOf(flags, context);
  switch (action) {
    case 'install':
      return install(order, flags, context);
    case 'show':
      return show(order, flags, context);
    case 'remove':
      return remove(order, flags, context);
    default:
      throw new RunbookError('usage', `There is no backup schedule ${action ?? ''}.`, {
        next: [
          'redis-runbook backup schedule install',
          'redis-runbook backup schedule show',
          'redis-runbook backup schedule remove',
        ],
      });
  }
}

async function orderOf(flags: BackupFlags, context: Context): Promise<ScheduleOrder> {
  const { place, settings, inventory } = await backupPlace(flags, context);
  if (inventory === undefined) {
    throw new RunbookError('no-fleet', 'A schedule needs a fleet file: it says what is backed up.', {
      next: ['redis-runbook backup schedule install --fleet FILE'],
    });
  }
  const metrics = flags.metrics ?? settings.metrics;
  const ping = settings.ping?.from === 'file' ? [{ name: 'ping-url', path: settings.ping.path }] : [];
  return {
    fleet: inventory.fleet,
    fleetFile: await realpath(inventory.file),
    repository: place,
    program: [
      process.execPath,
      await realpath(fileURLToPath(new URL('../../../bin/redis-runbook.js', import.meta.url))),
    ],
    user: userOf(flags.user ?? 'redis-runbook'),
    at: flags.at ?? (flags.timer === 'systemd' ? '*-*-* 03:14:00' : '14 3 * * *'),
    prunes: !isEmptyPolicy(settings.keep),
    credentials: [...ping, ...flags.credentials.map(credentialOf)],
    ...(metrics === undefined ? {} : { metrics }),
  };
}

function userOf(name: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(name)) return name;
  throw new RunbookError('usage', `${JSON.stringify(name)} is no name of a user.`, { next: ['--user redis-runbook'] });
}

function credentialOf(text: string): { readonly name: string; readonly path: string } {
  const [, name, path] = /^([A-Za-z0-9_-]{1,64})=(\/[^\p{Cc}\p{Cf}:]+)$/u.exec(text) ?? [];
  if (name !== undefined && path !== undefined) return { name, path };
  throw new RunbookError('usage', 'A credential is NAME=PATH, with an absolute path.', {
    next: ['--credential signing-key=/etc/redis-runbook/signing-key.pem'],
  });
}

async function install(order: ScheduleOrder, flags: BackupFlags, context: Context): Promise<number> {
  const answer = flags.timer === 'systemd' ? await checkSystemd(order.at) : checkCron(order.at, context.now());
  if (flags.timer === 'kubernetes') {
    context.stdout(cronJobManifest(order, flags.image ?? 'redis-runbook:latest'));
    return exitStatus.done;
  }
  checkReach(order);
  const files = filesOf(order, flags);
  if (flags.print) return print(files, context);
  await writeFiles(files);
  if (flags.timer === 'systemd' && flags.into === undefined) await startTimer(order);
  context.stdout(context.json ? json('install', order, files, answer) : installedText(order, files, answer, flags));
  return exitStatus.done;
}

/** What a service that sees no home directory could not read. */
function checkReach({ fleetFile, repository, program }: ScheduleOrder): void {
  const hidden = [fleetFile, repository, ...program].filter((path) => /^\/(home|root|run\/user)(\/|$)/.test(path));
  if (hidden.length === 0) return;
  throw new RunbookError('usage', 'The timer runs as a user of its own and sees no home directory.', {
    facts: hidden.map((path) => `not to be seen from there: ${path}`),
    next: [
      'move the fleet file to /etc/redis-runbook and the repository to /var/backups; install redis-runbook and node for all users',
    ],
  });
}

function filesOf(order: ScheduleOrder, { timer, into }: BackupFlags): readonly ScheduleFile[] {
  return timer === 'cron' ? [cronFile(order, into)] : systemdFiles(order, into, into);
}

function print(files: readonly ScheduleFile[], context: Context): number {
  context.stdout(files.map(({ path, content }) => `# ${path}\n${content}`).join('\n'));
  return exitStatus.done;
}

async function startTimer({ fleet, repository, user }: ScheduleOrder): Promise<void> {
  const name = unitName(fleet);
  await mustRun(runSystem('systemd-sysusers', [`/etc/sysusers.d/${name}.conf`]), 'systemd-sysusers');
  // The service sees its repository only when it is there before it starts.
  if ((await whatIs(repository)) === undefined) {
    await mustRun(
      runSystem('install', ['-d', '-o', user, '-m', '700', repository]),
      `install -d -o ${user} -m 700 ${repository}`,
    );
  }
  await mustRun(runSystem('systemctl', ['daemon-reload']), 'systemctl daemon-reload');
  await mustRun(runSystem('systemctl', ['enable', '--now', `${name}.timer`]), `systemctl enable --now ${name}.timer`);
}

async function mustRun(answer: Promise<SystemAnswer>, command: string): Promise<void> {
  const { status, text } = await answer;
  if (status === 0) return;
  throw new RunbookError(
    'incomplete',
    `The files are written, and the timer does not run: ${command} ended with ${status}.`,
    {
      facts: text.split('\n').slice(0, 5),
      next: [command, 'redis-runbook backup schedule remove'],
    },
  );
}

function json(what: string, order: ScheduleOrder, files: readonly ScheduleFile[], answer?: CalendarAnswer): string {
  return `${toJson({ schema: 'redis-runbook/backup-schedule/1', what, fleet: order.fleet, at: order.at, files, ...answer }, 2)}\n`;
}

function installedText(
  order: ScheduleOrder,
  files: readonly ScheduleFile[],
  { next, isChecked }: CalendarAnswer,
  { timer, into }: BackupFlags,
): string {
  const runs = timer === 'systemd' && into === undefined;
  const lines = [
    runs
      ? `Backups of ${order.fleet} are made by the calendar from now on: ${order.at}.`
      : `The schedule of ${order.fleet} is written: ${order.at}.`,
    ...(next[0] === undefined ? [] : [`Next: ${next.join(', then ')}`]),
    ...(isChecked ? [] : ['Nothing here could check the calendar: systemd-analyze is missing.']),
    '',
    ...files.map(({ path }) => `  ${path}`),
    '',
    'Next:',
    ...(timer === 'systemd'
      ? [
          `  install -d -o ${order.user} -m 700 ${order.repository}`,
          `  systemctl start ${unitName(order.fleet)}.service   the first backup now`,
        ]
      : []),
    '  redis-runbook backup status',
  ];
  return `${lines.join('\n')}\n`;
}

async function show(order: ScheduleOrder, flags: BackupFlags, context: Context): Promise<number> {
  const paths = placesOf(order, flags);
  const files = await readFiles(paths);
  const timer = `${unitName(order.fleet)}.timer`;
  const state =
    files.some(({ path }) => path.endsWith('.timer')) && flags.into === undefined
      ? await runSystem('systemctl', [
          'show',
          timer,
          '--property=ActiveState,NextElapseUSecRealtime,LastTriggerUSec,Result',
        ])
      : undefined;
  if (context.json) context.stdout(json('show', order, files));
  else if (files.length === 0)
    context.stdout(
      `No schedule of ${order.fleet} is installed on this machine.\n\nNext:\n  redis-runbook backup schedule install\n`,
    );
  else {
    print(files, context);
    if (state !== undefined) context.stdout(`\n${state.text.trim()}\n`);
  }
  return exitStatus.done;
}

/** Every place where a schedule of this fleet may stand. */
function placesOf(order: ScheduleOrder, { into }: BackupFlags): readonly string[] {
  return [...systemdFiles(order, into, into), cronFile(order, into)].map(({ path }) => path);
}

async function remove(order: ScheduleOrder, flags: BackupFlags, context: Context): Promise<number> {
  const paths = placesOf(order, flags);
  const name = unitName(order.fleet);
  const there = await readFiles(paths);
  const hasTimer = there.some(({ path }) => path.endsWith('.timer')) && flags.into === undefined;
  if (hasTimer) await runSystem('systemctl', ['disable', '--now', `${name}.timer`]);
  const gone = await removeFiles(paths);
  if (hasTimer) await runSystem('systemctl', ['daemon-reload']);
  if (context.json)
    context.stdout(
      json(
        'remove',
        order,
        gone.map((path) => ({ path, content: '' })),
      ),
    );
  else if (gone.length === 0) context.stdout(`No schedule of ${order.fleet} is installed on this machine.\n`);
  else
    context.stdout(
      `No backup of ${order.fleet} is made by the calendar any more. The backups stay.\n\n${gone.map((path) => `  ${path} removed\n`).join('')}`,
    );
  return exitStatus.done;
}
