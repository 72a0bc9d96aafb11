import type { BackupCheck, BackupKeyspace, BackupManifest } from '../model/backup.js';
import { printableProse } from './escape.js';
import { wrap } from './layout.js';
import { count, grouped, size } from './quantities.js';

interface Created {
  readonly manifest: BackupManifest;
  readonly withSecrets: readonly string[];
}

/** The last words of a backup: what it is, whose data of when, and what is not in it. */
export function createdText({ manifest, withSecrets }: Created, width: number): string {
  const { id, group, kind, source, keyspace, files } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0n);
  const offset = source.offset === undefined ? '' : ` at offset ${grouped(source.offset)}`;
  const keys = `${grouped(keysOf(keyspace.databases))} keys${keyspace.from === 'node' ? " by the node's own count" : ''}`;
  const left = manifest.leftOut.map(({ path, why }) => `${path}: ${why}`);
  const lines = [
    `${group}: backup ${id} is complete and reads back as it was sent.`,
    `  ${kind} of ${source.node} (${source.role}), ${size(bytes)}, ${keys}${offset}, taken ${manifest.snapshotAt}`,
    ...(left.length === 0 ? [] : ['  Without:', ...left.map((line) => `    ${line}`)]),
    ...(withSecrets.length === 0
      ? []
      : [`  It holds the secrets of ${withSecrets.join(', ')}: keep it as safe as them.`]),
  ];
  return block(lines, width);
}

/** What a drill found, in words. */
export function drilledText(
  ref: { readonly id: string; readonly group: string },
  check: BackupCheck,
  width: number,
): string {
  const verdict = {
    good: 'was loaded and holds what its manifest says',
    bad: 'is NOT good',
    unknown: 'could not be loaded on this machine',
  }[check.result];
  const held = check.databases?.map(
    ({ database, keys, expires }) =>
      `  database ${database}: ${grouped(keys)} keys, ${grouped(expires)} with a time to live`,
  );
  const where =
    check.server === undefined ? [] : [`  in a closed ${check.server}, ${count(check.durationMs, 'ms', 'ms')}`];
  return block(
    [
      `${ref.group}: backup ${ref.id} ${verdict}.`,
      ...check.details.map((line) => `  ${line}`),
      ...(held ?? []),
      ...where,
    ],
    width,
  );
}

function keysOf(databases: readonly BackupKeyspace[]): bigint {
  return databases.reduce((sum, { keys }) => sum + keys, 0n);
}

function block(lines: readonly string[], width: number): string {
  const wrapped = lines.flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? '';
    return wrap(printableProse(line.trimStart()), width, indent, `${indent}  `);
  });
  return `${wrapped.join('\n')}\n`;
}
