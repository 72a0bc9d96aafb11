import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { BackupCheck, BackupManifest } from '../model/backup.js';
import { canonicalJson } from './canonical.js';
import { checkSchema, manifestSchema } from './manifest-schema.js';
import { kindTrouble, troubleWithPaths } from './paths.js';

/** What can be wrong with a signed document before its signature is even looked at. */
export type DocumentTroubleWord =
  | 'not-json'
  | 'newer-format'
  | 'not-canonical'
  | 'shape'
  | 'path'
  | 'duplicate-path'
  | 'case-collision';

export interface DocumentTrouble {
  readonly what: DocumentTroubleWord;
  /** One sentence. */
  readonly text: string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly troubles: readonly DocumentTrouble[] };

/** Largest manifest.json that is read. */
export const manifestLimitBytes = 16 * 1024 * 1024;

/**
 * manifest.json as bytes -> what it says. Refuses what is no JSON, of a newer format, not written canonically, of
 * another shape, or names paths outside the grammar; each path that is wrong is told. Says nothing about who wrote it.
 */
export function parseManifest(bytes: Uint8Array): Parsed<BackupManifest> {
  const parsed = parseDocument<BackupManifest>(bytes, 'backup-manifest', manifestSchema);
  if (!parsed.ok) return parsed;
  const { kind, files } = parsed.value;
  const wrong: DocumentTrouble[] = troubleWithPaths(files).map(({ what, path, text }) => ({
    what,
    text: `the path ${JSON.stringify(path)}: ${text}`,
  }));
  const lacking = kindTrouble(kind, files);
  if (lacking !== undefined) wrong.push({ what: 'shape', text: lacking });
  return wrong.length === 0 ? parsed : { ok: false, troubles: wrong };
}

/** A check record as bytes -> what it says; the same refusals. */
export function parseCheck(bytes: Uint8Array): Parsed<BackupCheck> {
  return parseDocument<BackupCheck>(bytes, 'backup-check', checkSchema);
}

function parseDocument<T>(bytes: Uint8Array, name: string, schema: z.ZodType): Parsed<T> {
  const json = jsonIn(bytes);
  if (json === undefined) return trouble('not-json', 'it is no JSON, or cut off');
  const format = formatOf(json, name);
  if (format !== undefined && format > 1) {
    return trouble('newer-format', `it has format ${format}; this version reads format 1: use a newer redis-runbook`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const found = parsed.error.issues.slice(0, 20);
    return { ok: false, troubles: found.map((issue) => ({ what: 'shape', text: issueText(issue) })) };
  }
  if (!sameBytes(bytes, canonicalJson(json)))
    return trouble('not-canonical', 'it is not written as this tool writes it');
  // The schema has no default and JSON no undefined: what was parsed is the shape of the model.
  return { ok: true, value: parsed.data as T };
}

function trouble(
  what: DocumentTroubleWord,
  text: string,
): { readonly ok: false; readonly troubles: readonly DocumentTrouble[] } {
  return { ok: false, troubles: [{ what, text }] };
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function formatOf(json: unknown, name: string): number | undefined {
  const schema = typeof json === 'object' && json !== null && 'schema' in json ? json.schema : undefined;
  const [, number] =
    typeof schema === 'string' ? (new RegExp(`^redis-runbook/${name}/(\\d{1,6})$`).exec(schema) ?? []) : [];
  return number === undefined ? undefined : Number(number);
}

function issueText(issue: z.core.$ZodIssue): string {
  const where = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return `${where.replace(/^\./, '') || 'the document'}: ${issue.message}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** sha256 of bytes, lower-case hex: what a check record is bound to. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA256SUMS of a manifest and its files, for `sha256sum -c` in the backup's own directory. */
export function sumsOf(manifest: BackupManifest, manifestBytes: Uint8Array): Uint8Array {
  const lines = manifest.files.map((file) => `${file.sha256}  ${file.path}\n`);
  return new TextEncoder().encode(`${lines.join('')}${sha256Of(manifestBytes)}  manifest.json\n`);
}
