import type { BackupManifest } from '../model/backup.js';
import type { BackupDetails, VerifiedView } from '../model/backup-view.js';
import { toJson } from '../model/json.js';
import type { BackupTextOptions } from './backup-list.js';
import { printable, printableProse } from './escape.js';
import { paint, table, wrap } from './layout.js';
import { nextLines } from './next-lines.js';
import { count, dateAndTime, duration, grouped, size } from './quantities.js';

/** `backup show` as one JSON document. */
export function backupShowJson(details: BackupDetails): string {
  return `${toJson({ schema: 'redis-runbook/backup-show/1', ...details }, 2)}\n`;
}

/** `backup show ID`: what it is worth, where it is from, its files, its checks. */
export function backupShowText(
  details: BackupDetails,
  options: BackupTextOptions & { readonly fleetFlag: string },
): string {
  const { manifest, view } = details;
  const blocks = [
    headline(details, options),
    manifest === undefined ? [] : origin(manifest, details, options),
    manifest === undefined ? [] : fileLines(manifest, options),
    manifest === undefined ? [] : leftOut(manifest, options.width),
    checkLines(details, options),
    view.troubles
      .map(({ what, text }) => `x  ${what}: ${printableProse(text)}`)
      .flatMap((line) => wrap(line, options.width, '', '   ')),
    nextLines(
      view.state === 'incomplete'
        ? []
        : [{ command: `redis-runbook backup verify ${view.id}${options.fleetFlag}`, says: 'reads every byte again' }],
      options.width,
    ),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

const worth = {
  good: 'is good by its papers',
  bad: 'is bad: do not restore it',
  unknown: 'is signed by somebody unknown: it counts only once the signer is accepted',
  incomplete: 'never finished: it cannot be restored',
} as const;

const proofs = {
  drilled: 'A server loaded it whole.',
  checked: "Redis' own checker read it; no server has loaded it yet.",
  hashes: 'Every byte was read again as stored; no server has loaded it yet.',
  none: 'Nothing of it was checked since it was made.',
  bad: '',
} as const;

function headline({ view }: BackupDetails, { width, colour, utcOffsetMinutes }: BackupTextOptions): string[] {
  const taken = dateAndTime(Date.parse(view.takenAt), utcOffsetMinutes);
  const text = `${view.id}, ${view.kind} of ${printable(view.fleet)} / ${printable(view.group)} at ${taken}, ${worth[view.state]}. ${view.state === 'incomplete' ? '' : proofs[view.proof]}`;
  return wrap(text.trim(), width).map((line) => paint('verdict', line, colour));
}

function origin(manifest: BackupManifest, { view }: BackupDetails, { width }: BackupTextOptions): string[] {
  const { source, keyspace } = manifest;
  const keys = keyspace.databases.map(
    ({ database, keys, expires }) => `db${database} ${grouped(keys)} keys, ${grouped(expires)} with a time to live`,
  );
  const offset =
    source.offset === undefined
      ? ''
      : `, offset ${grouped(source.offset)} of ${printable((source.replicationId ?? '?').slice(0, 8))}`;
  const facts = [
    ['from', `${printable(source.node)} (${source.role}, ${source.server} ${printable(source.version)})${offset}`],
    ['because', printableProse(manifest.chosenBecause)],
    [
      'made by',
      `${manifest.engine}, ${manifest.reason}, ${duration(Math.max(0, Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt)))}`,
    ],
    ['keys', `${keys.join('; ') || 'none'} (said by the ${keyspace.from})`],
    [
      'signed by',
      view.signer === undefined ? 'nobody' : `${printableProse(view.signer.name)}  ${view.signer.fingerprint}`,
    ],
    [
      'kept as',
      printableProse(manifest.pinned === undefined ? view.kept.join(', ') || '-' : `pinned ${manifest.pinned}`),
    ],
    ...(manifest.tags.length === 0 ? [] : [['tags', manifest.tags.map(printable).join(', ')]]),
    ...(manifest.modules.length === 0
      ? []
      : [
          [
            'modules',
            manifest.modules
              .map(({ name, version }) => `${printableProse(name)} ${printableProse(version)}`)
              .join(', '),
          ],
        ]),
  ];
  return facts.flatMap(([name = '', text = '']) => wrap(text, width, `${name.padEnd(10)} `, ' '.repeat(11)));
}

function fileLines({ files }: BackupManifest, options: BackupTextOptions): string[] {
  const columns = [
    { title: 'FILE' },
    { title: 'SIZE', align: 'right' as const },
    { title: 'SHA256', drop: 1 },
    { title: 'FROM', drop: 2 },
  ];
  const rows = files.map((file) => ({
    cells: [
      printable(file.path),
      file.compressed === undefined
        ? size(file.sizeBytes)
        : `${size(file.sizeBytes)} of ${size(file.compressed.plainBytes)}`,
      `${file.sha256.slice(0, 16)}...`,
      printableProse(file.from ?? '-'),
    ],
  }));
  return table(columns, rows, options);
}

function leftOut(manifest: BackupManifest, width: number): string[] {
  return manifest.leftOut.flatMap(({ path, why }) =>
    wrap(`-  left out: ${printableProse(path)}, ${printableProse(why)}`, width, '', '   '),
  );
}

function checkLines(
  { checks, ignoredChecks }: BackupDetails,
  { utcOffsetMinutes, width }: BackupTextOptions,
): string[] {
  const signs = { good: 'ok', bad: 'x ', unknown: '? ' } as const;
  const lines = checks.map(({ name, at, result, details, durationMs }) => {
    const when = dateAndTime(Date.parse(at), utcOffsetMinutes);
    return `${signs[result]} ${name} ${result}, ${when}, ${duration(durationMs)}${details.length === 0 ? '' : `: ${details.map(printableProse).join('; ')}`}`;
  });
  const ignored =
    ignoredChecks === 0
      ? []
      : [
          `-  ${count(ignoredChecks, 'check')} of this backup ${ignoredChecks === 1 ? 'was' : 'were'} not signed by anybody trusted, or of another manifest: not counted`,
        ];
  return [...lines, ...ignored].flatMap((line) => wrap(line, width, '', '   '));
}

/** `backup verify` as one JSON document. */
export function backupVerifyJson(repository: string, verified: readonly VerifiedView[]): string {
  return `${toJson({ schema: 'redis-runbook/backup-verify/1', repository, backups: verified }, 2)}\n`;
}

/** `backup verify`: which are as they were stored, and what is wrong with the others, each by its word. */
export function backupVerifyText(verified: readonly VerifiedView[], { width, colour }: BackupTextOptions): string {
  const bad = verified.filter(({ troubles }) => troubles.length > 0);
  const bytes = verified.reduce((sum, { readBytes }) => sum + readBytes, 0n);
  const took = verified.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const sentence =
    verified.length === 0
      ? 'There is no complete backup to verify.'
      : bad.length === 0
        ? `${verified.length === 1 ? `${verified[0]?.view.id} is` : `All ${verified.length} backups are`} as stored and signed. ${size(bytes)} read in ${duration(took)}.`
        : `${bad.length === 1 ? `${bad[0]?.view.id} is` : `${bad.map(({ view }) => view.id).join(', ')} are`} not as stored and signed. ${verified.length - bad.length} of ${count(verified.length, 'backup')} good.`;
  const lines = verified.flatMap((one) => verifiedLines(one, width));
  return `${[...wrap(sentence, width).map((line) => paint('verdict', line, colour)), '', ...lines].join('\n')}\n`;
}

function verifiedLines({ view, readBytes, troubles, kept }: VerifiedView, width: number): string[] {
  const where = `${view.id}  ${printable(view.fleet)} / ${printable(view.group)}`;
  const note = kept === true ? '' : `  (not recorded: ${printableProse(kept)})`;
  if (troubles.length === 0) return wrap(`ok ${where}  ${size(readBytes)}${note}`, width, '', '   ');
  const found = troubles.flatMap(({ what, text }) =>
    wrap(`${what}: ${printableProse(text)}`, width, '     ', '       '),
  );
  return [...wrap(`x  ${where}${note}`, width, '', '   '), ...found];
}
