import type { BackupCheck } from '../model/backup.js';
import { judgeChecks, judgePapers, type Papers } from './judge.js';
import type { BackupRef, BackupScope, Repository } from './repository/repository.js';
import { isTrusted, knownAs, type Trust } from './trust.js';

/**
 * One backup as far as its papers tell. `good`: complete, its manifest true and signed by somebody trusted, and no later
 * check found it bad. `unknown`: the same but for its signer. `incomplete`: never finished, or without its manifest.
 */
export interface CataloguedBackup extends Papers {
  readonly ref: BackupRef;
  readonly state: 'good' | 'bad' | 'unknown' | 'incomplete';
  readonly checks: readonly BackupCheck[];
  readonly ignoredChecks: number;
}

/** Every backup of one group with its papers judged, oldest first. */
export async function readCatalogue(
  repository: Repository,
  scope: BackupScope,
  trust: Trust,
): Promise<readonly CataloguedBackup[]> {
  const { backups } = await repository.list(scope);
  const read: CataloguedBackup[] = [];
  for (const ref of backups) {
    const one = await readCatalogued(repository, ref, trust);
    if (one !== undefined) read.push(one);
  }
  return read;
}

/** One backup with its papers judged; undefined when it went away meanwhile. */
async function readCatalogued(
  repository: Repository,
  ref: BackupRef,
  trust: Trust,
): Promise<CataloguedBackup | undefined> {
  if (ref.state === 'partial') return { ref, state: 'incomplete', troubles: [], checks: [], ignoredChecks: 0 };
  const trusted = (signer: Parameters<typeof isTrusted>[1]) => isTrusted(trust, signer);
  const sealed = await repository.sealed(ref);
  if (sealed === undefined) return undefined;
  const papers = judgePapers(ref, sealed, trusted);
  const { checks, ignored } = judgeChecks(await repository.checks(ref), papers.manifestSha256, trusted);
  const signer = papers.signer === undefined ? {} : { signer: knownAs(trust, papers.signer) };
  return { ref, ...papers, ...signer, state: stateOf(papers, checks), checks, ignoredChecks: ignored };
}

function stateOf({ troubles }: Papers, checks: readonly BackupCheck[]): CataloguedBackup['state'] {
  if (troubles.some(({ what }) => what !== 'unknown-signer')) return 'bad';
  if (checksSayBad(checks)) return 'bad';
  return troubles.length === 0 ? 'good' : 'unknown';
}

/** Whether, of the newest record of any check, one says bad. */
function checksSayBad(checks: readonly BackupCheck[]): boolean {
  const newest = new Map(
    checks.filter(({ result }) => result !== 'unknown').map((check) => [check.name, check.result]),
  );
  return [...newest.values()].includes('bad');
}

/** The newest drill that was good, ISO 8601; undefined when there is none. */
export function drilledAt(backup: CataloguedBackup): string | undefined {
  return backup.checks.findLast(({ name, result }) => name === 'drill' && result === 'good')?.at;
}
