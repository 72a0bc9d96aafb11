import type { BackupCheck, BackupManifest } from '../model/backup.js';
import { type DocumentTroubleWord, parseCheck, parseManifest, sha256Of } from './manifest.js';
import { backupName } from './repository/names.js';
import type { BackupRef, SealedManifest, StoredCheck } from './repository/repository.js';
import { checkSignature, fingerprintOf, type SignerIdentity } from './sign.js';

/** Everything that can be wrong with a backup, each by its own word. */
export type BackupTroubleWord =
  | DocumentTroubleWord
  | 'no-manifest'
  | 'unsigned'
  | 'signature-unreadable'
  | 'forged'
  | 'unknown-signer'
  | 'swapped'
  | 'missing-file'
  | 'truncated'
  | 'size'
  | 'hash'
  | 'extra-file'
  | 'not-a-file'
  | 'unreadable-file'
  | 'sums';

export interface BackupTrouble {
  readonly what: BackupTroubleWord;
  /** The stored file that it is about; missing when it is about the manifest. */
  readonly path?: string;
  /** One sentence. */
  readonly text: string;
}

/** What a backup's own papers are worth, without reading its data. */
export interface Papers {
  /** There only when nothing is wrong with the document itself: its signature and its place are judged beside it. */
  readonly manifest?: BackupManifest;
  readonly manifestSha256?: string;
  /** Whose key signed exactly this manifest, trusted or not. */
  readonly signer?: SignerIdentity;
  readonly troubles: readonly BackupTrouble[];
}

/** Judges manifest and signature of a backup by its name and by whom we trust. Touches nothing. */
export function judgePapers(
  ref: BackupRef,
  sealed: Partial<SealedManifest>,
  isTrusted: (signer: SignerIdentity) => boolean,
): Papers {
  if (sealed.manifest === undefined) return { troubles: [{ what: 'no-manifest', text: 'there is no manifest.json' }] };
  const parsed = parseManifest(sealed.manifest);
  const verdict = checkSignature(sealed.manifest, sealed.signature);
  const troubles: BackupTrouble[] = parsed.ok
    ? []
    : parsed.troubles.map(({ what, text }) => ({ what, text: `manifest.json: ${text}` }));
  if (!verdict.made) {
    const what = { missing: 'unsigned', unreadable: 'signature-unreadable', forged: 'forged' } as const;
    troubles.push({ what: what[verdict.why], text: `manifest.json: ${verdict.text}` });
  } else if (!isTrusted(verdict.by)) {
    const { name, key } = verdict.by;
    troubles.push({
      what: 'unknown-signer',
      text: `it is signed by ${name}, key ${fingerprintOf(key)}, whom nobody here has accepted`,
    });
  }
  if (parsed.ok) troubles.push(...swapped(ref, parsed.value));
  return {
    ...(parsed.ok ? { manifest: parsed.value } : {}),
    manifestSha256: sha256Of(sealed.manifest),
    ...(verdict.made ? { signer: verdict.by } : {}),
    troubles,
  };
}

/** A manifest that is true, of another backup. */
function swapped(ref: BackupRef, manifest: BackupManifest): readonly BackupTrouble[] {
  const { fleet, group, id, kind } = manifest;
  const belongs =
    fleet === ref.fleet && group === ref.group && ref.name === backupName(new Date(ref.begunAt), kind, id);
  if (belongs) return [];
  const text = `manifest.json is of ${fleet} / ${group} ${id}, and stands in ${ref.fleet} / ${ref.group} ${ref.id}`;
  return [{ what: 'swapped', text }];
}

/** The check records that count: of exactly this manifest, signed by somebody trusted. Oldest first; `ignored` counts the others. */
export function judgeChecks(
  stored: readonly StoredCheck[],
  manifestSha256: string | undefined,
  isTrusted: (signer: SignerIdentity) => boolean,
): { readonly checks: readonly BackupCheck[]; readonly ignored: number } {
  const checks = stored.flatMap(({ record, signature }) => {
    const parsed = parseCheck(record);
    const verdict = checkSignature(record, signature);
    const counts = parsed.ok && verdict.made && isTrusted(verdict.by) && parsed.value.manifestSha256 === manifestSha256;
    return counts ? [parsed.value] : [];
  });
  return {
    checks: [...checks].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    ignored: stored.length - checks.length,
  };
}
