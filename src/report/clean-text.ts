import { toJson } from '../model/json.js';
import { printable, printableProse } from './escape.js';
import { paint, wrap } from './layout.js';
import { type NextCommand, nextLines } from './next-lines.js';
import { count, listed, size } from './quantities.js';

/** What a run keeps on one machine; after a removal `files` is what is still there. */
export interface CleanHostView {
  /** A host's name, or `this machine`. */
  readonly host: string;
  readonly files: readonly { readonly path: string; readonly sizeBytes: bigint }[];
  /** In the run's directories and not in its record. */
  readonly others: readonly string[];
  readonly unseen: readonly string[];
  readonly removed?: { readonly files: number; readonly sizeBytes: bigint };
}

export interface CleanRunView {
  readonly run: string;
  readonly group: string;
  readonly runbook: string;
  /** ISO 8601 UTC */
  readonly begun: string;
  /** Why its files stay; none where they may go. */
  readonly todo: readonly { readonly says: string; readonly next: string }[];
  readonly hosts: readonly CleanHostView[];
}

export interface CleanView {
  readonly applied: boolean;
  /** The operator named the run. */
  readonly named: boolean;
  readonly runs: readonly CleanRunView[];
}

interface Looks {
  readonly width: number;
  readonly colour: boolean;
  /** ` --fleet FILE`, or empty. */
  readonly fleetFlag: string;
}

/** `clean` as one JSON document. */
export function cleanJson(view: CleanView): string {
  return `${toJson({ schema: 'redis-runbook/clean/1', ...view }, 2)}\n`;
}

/** `clean`: every path with its size, host by host; in a dry run how to do it, where refused what comes first. */
export function cleanText(view: CleanView, looks: Looks): string {
  const blocks = [headline(view, looks), ...view.runs.map((run) => runLines(run, view, looks)), next(view, looks)];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function headline({ applied, runs }: CleanView, { width, colour }: Looks): string[] {
  const free = runs.filter(({ todo }) => todo.length === 0).flatMap(({ hosts }) => hosts);
  const stays = runs.filter(({ todo }) => todo.length > 0).map(({ run }) => run);
  const files = free.reduce((sum, host) => sum + (applied ? (host.removed?.files ?? 0) : host.files.length), 0);
  const bytes = free.reduce((sum, host) => sum + (applied ? (host.removed?.sizeBytes ?? 0n) : sumOf(host)), 0n);
  const left = applied ? free.reduce((sum, host) => sum + host.files.length, 0) : 0;
  const sentences = [
    files === 0 && left === 0
      ? `Nothing that ${runs.length === 1 ? `run ${runs[0]?.run}` : 'ended runs'} kept ${stays.length > 0 ? 'may be' : 'is there to be'} removed.`
      : `${count(files, 'file')} (${size(bytes)}) ${applied ? `${files === 1 ? 'was' : 'were'} removed` : 'would be removed'}.`,
    ...(applied ? [] : ['Nothing was changed.']),
    ...(left === 0 ? [] : [`${count(left, 'file')} could not be removed: see below.`]),
    ...(stays.length === 0 ? [] : [`Refused for run ${listed(stays)}: see below.`]),
  ];
  return wrap(sentences.join(' '), width).map((line) => paint('verdict', line, colour));
}

function sumOf(host: CleanHostView): bigint {
  return host.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
}

function runLines({ run, group, runbook, begun, todo, hosts }: CleanRunView, view: CleanView, looks: Looks): string[] {
  const title = `Run ${run} of ${printable(group)} (${printable(runbook)}, begun ${printable(begun)})`;
  const refused = todo.flatMap(({ says }) => wrap(printableProse(`stays: ${says}`), looks.width, '  x  ', '     '));
  return [title, ...refused, ...hosts.flatMap((host) => hostLines(host, view, looks))];
}

function hostLines(host: CleanHostView, { applied }: CleanView, { width }: Looks): string[] {
  const { files, others, unseen, removed } = host;
  if (files.length + others.length + unseen.length + (removed?.files ?? 0) === 0) return [];
  const gone =
    removed === undefined || removed.files === 0
      ? []
      : [`removed ${count(removed.files, 'file')}, ${size(removed.sizeBytes)}`];
  const there =
    files.length === 0 ? [] : [`${applied ? 'still there: ' : ''}${count(files.length, 'file')}, ${size(sumOf(host))}`];
  return [
    `  ${printable(host.host)}: ${[...gone, ...there].join('; ') || 'nothing of its record is there'}`,
    ...files.map(({ path, sizeBytes }) => `    ${size(sizeBytes).padStart(12)}  ${printable(path)}`),
    ...others.flatMap((path) =>
      wrap(`${printableProse(path)} is not in the record of the run and stays`, width, '    !  ', '       '),
    ),
    ...unseen.flatMap((why) => wrap(printableProse(why), width, '    ?  ', '       ')),
  ];
}

function next({ applied, named, runs }: CleanView, { width, fleetFlag }: Looks): string[] {
  const free = runs.filter(({ todo, hosts }) => todo.length === 0 && hosts.some(({ files }) => files.length > 0));
  const commands: NextCommand[] = runs.flatMap(({ todo }) => todo.map(({ next: said }) => commandOf(said, fleetFlag)));
  const run = named || free.length === 1 ? ` ${free[0]?.run}` : '';
  if (free.length > 0)
    commands.push({
      command: `redis-runbook clean${run} --apply${fleetFlag}`,
      says: applied
        ? 'again: goes on with what is still there'
        : 'removes them; what they are of cannot be undone after that',
    });
  return nextLines(commands, width);
}

/** A command of an error, `redis-runbook clean 7K3Q   what for`, with the fleet file. */
function commandOf(said: string, fleetFlag: string): NextCommand {
  const [command = '', ...says] = said.split(/ {3,}/);
  return { command: `${command}${fleetFlag}`, says: says.join(' ') || 'comes first' };
}
