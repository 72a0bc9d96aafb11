import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fleetFileOf, fleetText } from '../discover/fleet-file.js';
import { type Searched, searchFleet } from '../discover/search.js';
import { RunbookError } from '../errors.js';
import { saveInRun } from '../execute/run-directory.js';
import { reasonOf } from '../hosts/reading.js';
import { resolveTarget } from '../hosts/ssh/resolve-target.js';
import { loadInventory } from '../inventory/load.js';
import type { Found } from '../model/found.js';
import { toJson } from '../model/json.js';
import { word } from '../plan/commands.js';
import { printable, printableProse } from '../report/escape.js';
import { foundJson, foundLines, summaryOf } from '../report/found-text.js';
import { nextLines } from '../report/next-lines.js';
import { createAsk } from './ask.js';
import type { Context } from './context.js';
import type { SearchFlags } from './flags.js';
import { foundDirectory } from './found-file.js';
import { hostOpener } from './open-host.js';
import { operator } from './operator.js';
import { withFleet } from './with-fleet.js';

/** A fleet that was found, as the commands that need a fleet file get it. */
export interface FoundFleet {
  readonly found: Found;
  /** The text of the fleet file that was made of it. */
  readonly text: string;
  /** With the fleet file in place, and the same logins. */
  readonly context: Context;
}

/** What was typed, to be typed again: `pv1 --conf /data --group a`. */
function searchWords({ hosts, conf, group }: SearchFlags & { readonly group?: string | undefined }): string {
  return [
    ...hosts.map(word),
    ...(conf.length === 0 ? [] : ['--conf', word(conf.join(','))]),
    ...(group === undefined ? [] : ['--group', word(group)]),
  ].join(' ');
}

/**
 * Finds the fleet from the machines that were named and makes a fleet file of it among the tool's own files. Throws
 * `usage` where a fleet file declares them already, `no-fleet` when there is no fleet on them, and whatever kept the tool
 * from entering the only machine that was named.
 */
export async function findFleet(flags: SearchFlags, command: string, context: Context): Promise<FoundFleet> {
  await refuseDeclared(flags, command, context);
  const opener = hostOpener({ ...context, fleetFile: undefined });
  const searched = await searchFleet(
    { named: flags.hosts, places: flags.conf.map((path) => resolve(path)), stateDirectory: context.stateDirectory },
    {
      open: opener.open,
      resolve: (asked) => resolveTarget(asked, context.signal),
      questionsAnswered: opener.questionsAnswered,
      tell: (line) => (context.quiet ? undefined : context.stderr(`${printable(line)}\n`)),
      now: context.now,
      signal: context.signal,
    },
  );
  const { found, needs } = searched;
  const file = fleetFileOf(found, needs);
  if (file === undefined || !found.members.some(({ kind }) => kind === 'sentinel'))
    throw nothingFound(searched, flags, command);
  const text = fleetText(file, headOf(found, context));
  const path = await keptFile(text, found, context);
  return { found, text, context: { ...context, fleetFile: path, opener, foundFrom: searchWords(flags) } };
}

/** What was found, for people on standard output, and what writes it to a file; nothing for --json and --quiet. */
export function showFound({ found }: FoundFleet, flags: SearchFlags, context: Context): void {
  if (context.json || context.quiet) return;
  const look = { width: context.columns, colour: context.colour, verbose: context.verbose > 0 };
  const init = { command: `redis-runbook init ${searchWords(flags)}`, says: 'writes it to fleet.yaml' };
  const [, line = ''] = nextLines([init], context.columns);
  context.stdout(`${[...foundLines(found, look), line].join('\n')}\n\n`);
}

/** Runs a command on the fleet that was found; its errors name the fleet file that was made. */
export async function onFound<T>({ context }: FoundFleet, use: (context: Context) => Promise<T>): Promise<T> {
  try {
    return await use(context);
  } catch (error) {
    throw error instanceof RunbookError ? withFleet(error, context) : error;
  }
}

/**
 * A recovery stops, rewrites and starts what it knows and leaves alone what it does not: a person says that nobody is
 * missing, or nothing is done. Throws `blocked` where what was found contradicts itself, `no-terminal` where nobody can
 * be asked, `stopped` when the answer is no.
 */
export async function agreeWhole({ found }: FoundFleet, flags: SearchFlags, context: Context): Promise<void> {
  const words = searchWords(flags);
  const next = [
    `redis-runbook init ${words}   writes what was found to fleet.yaml, to be completed`,
    'redis-runbook recover   from then on',
  ];
  if (found.conflicts.length > 0)
    throw new RunbookError(
      'blocked',
      'What was found contradicts itself or is not whole: nothing is done with it as it is.',
      { facts: found.conflicts.map(printable), next },
    );
  if (!context.isTerminal || context.noInput)
    throw new RunbookError(
      'no-terminal',
      'Whether that is the whole fleet must be said by a person, and nobody can be asked here.',
      {
        facts: [
          summaryOf(found),
          'a member that nobody names would be left out, and could bring its own data or an old address back',
          '--yes does not answer this',
        ],
        next,
      },
    );
  const key = await createAsk(context).choose(
    `${summaryOf(found)} Is that the whole fleet? y or q:`,
    [
      { key: 'y', says: 'nobody is missing: go on, and ask before anything is changed' },
      { key: 'q', says: 'stop; init writes what was found to fleet.yaml, where it can be completed' },
    ],
    undefined,
    `fleet.yaml, from: redis-runbook init ${words}`,
  );
  if (key !== 'y') throw new RunbookError('stopped', 'stopped at a question; nothing was changed.');
}

/** What a script reads of it. */
export function foundDocument({ found, context }: FoundFleet): string {
  return toJson({ schema: 'redis-runbook/found/1', type: 'found', ...foundJson(found, context.fleetFile ?? '') });
}

/** A fleet file is more than what a search can know: a member that nobody names stands in it. */
async function refuseDeclared({ hosts }: SearchFlags, command: string, { fleetFile }: Context): Promise<void> {
  if (fleetFile === undefined) return;
  const isDefault = fleetFile === './fleet.yaml';
  const inventory = isDefault ? await loadInventory(fleetFile).catch(() => undefined) : undefined;
  const names = hosts.map((host) => host.slice(host.lastIndexOf('@') + 1));
  const declared = inventory?.hosts.find(({ name, address }) => names.includes(name) || names.includes(address));
  if (isDefault && declared === undefined) return;
  const what =
    declared === undefined
      ? `${fleetFile} says which machines the fleet has`
      : `${fleetFile} declares ${declared.name}`;
  throw new RunbookError('usage', `${what}: a HOST is for when there is no fleet file.`, {
    facts: ['a search finds only whom somebody names; the file may know more'],
    next: [
      `redis-runbook ${command}   looks at every host of the file`,
      `cd / && redis-runbook ${command} ${hosts.join(' ')}   without it`,
    ],
  });
}

function nothingFound({ found, errors }: Searched, flags: SearchFlags, command: string): unknown {
  const named = found.visits.filter(({ isNamed }) => isNamed);
  const [dark] = named.filter(({ seen }) => !seen.ok);
  if (dark !== undefined && named.every(({ seen }) => !seen.ok)) {
    const error = errors.get(dark.name);
    if (error instanceof RunbookError) return error;
    const why = dark.seen.ok ? '' : dark.seen.detail;
    return new RunbookError('unreachable', `${dark.name} could not be entered: ${why}`, {
      next: [`ssh ${dark.name}   shows what ssh says of it`, `redis-runbook ${command} OTHER-HOST`],
    });
  }
  const words = searchWords(flags);
  const where = named.map(({ name }) => name).join(', ');
  const says = found.notes.some((note) => note.startsWith('redis '))
    ? `${where} runs redis, and no sentinel that was found monitors it.`
    : `${where} has no redis and no sentinel that could be found.`;
  const dirs =
    'processes, units and scripts, and the config files of /etc, /usr/local/etc, /opt, /srv and /data were looked through';
  return new RunbookError('no-fleet', says, {
    facts: [
      ...found.notes.map(printable),
      ...found.visits
        .filter(({ seen }) => !seen.ok)
        .map(({ name, seen }) => printable(`${name} could not be entered: ${seen.ok ? '' : seen.detail}`)),
      dirs,
    ],
    next: [
      `redis-runbook ${command} OTHER-HOST   another machine; several may be named`,
      `redis-runbook ${command} ${words} --conf DIR   they are elsewhere`,
    ],
  });
}

function headOf(found: Found, { now }: Context): readonly string[] {
  const dark = found.visits.filter(({ seen }) => !seen.ok);
  return [
    `Found by redis-runbook from ${found.from.map(printable).join(' ')}, ${now().toISOString().slice(0, 16)}Z, for ${printableProse(operator())}.`,
    printable(summaryOf(found)),
    'Members that no file and no answer named are not in it: complete it before it is used.',
    ...found.members
      .filter(({ known }) => known === 'claimed')
      .map(({ kind, host, port, by }) =>
        printable(`${kind} ${host}:${port} was not seen, only named by ${by.join(', ')}`),
      ),
    ...dark.map(({ name, seen }) => printable(`${name} could not be entered: ${seen.ok ? '' : seen.detail}`)),
    ...found.conflicts.map((text) => printable(`to be settled: ${text}`)),
  ];
}

/** Named by its content: a file that a run was begun with is never another one later. */
async function keptFile(text: string, found: Found, context: Context): Promise<string> {
  const body = text.replace(/^#.*\n/gm, '');
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 6);
  const name = (found.groups[0] ?? 'fleet').replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 40);
  const path = join(foundDirectory(context), `${name}-${hash}${found.conflicts.length === 0 ? '' : '-unsettled'}.yaml`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await saveInRun(dirname(path), basename(path), text);
  } catch (error) {
    throw new RunbookError('disk-full', 'What was found is kept as a fleet file, and this machine could not keep it.', {
      facts: [`${path}: ${reasonOf(error)}`],
      next: ['make room there, or set $XDG_STATE_HOME to a directory with room'],
    });
  }
}
