import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { startedAt } from './processes.js';

/** A claimed block of 256 loopback addresses: `127.5.1` stands for 127.5.1.0/24. */
export interface Claim {
  readonly block: string;
  readonly file: string;
  readonly token: string;
}

interface ClaimText {
  readonly token: string;
  readonly directory: string;
  /** The process that claimed: until the lab's own file is written, it speaks for the claim. */
  readonly by: Owner;
  /** The process that the lab dies with; a lab without one lives as long as its directory. */
  readonly owner?: Owner;
}

interface Owner {
  readonly pid: number;
  readonly startTicks: string;
}

const PREFIX = 'redis-runbook-lab-';
const TRIES = 200;

/** Throws RunbookError `lab` unless the address is a plain IPv4 address in 127.0.0.0/8: a lab acts on no other machine. */
export function assertLoopback(address: string): void {
  const parts = address.split('.');
  const plain = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  if (plain && parts[0] === '127') return;
  throw new RunbookError('lab', `A lab works on 127.0.0.0/8 only, and ${JSON.stringify(address)} is not in it.`);
}

/**
 * Claims a free block for the lab in `directory` with an exclusive lock file under the system's temporary directory, so
 * that labs run side by side. `wanted` is tried first. Claims of labs that are gone are removed on the way.
 */
export async function claimBlock(
  directory: string,
  options: { readonly ownerPid?: number; readonly wanted?: string } = {},
): Promise<Claim> {
  sweepStale();
  const candidates = options.wanted === undefined ? [] : [options.wanted];
  while (candidates.length < TRIES) candidates.push(`127.${randomInt(10, 250)}.${randomInt(1, 250)}`);
  for (const block of candidates) {
    const claim = tryClaim(block, directory, options.ownerPid);
    if (claim === undefined) continue;
    if (await nobodyListens(block)) return claim;
    releaseClaim(claim);
  }
  throw new RunbookError('lab', 'No free block of loopback addresses was found for the lab.', {
    facts: [`Claims are the files ${join(tmpdir(), `${PREFIX}*`)}.`],
  });
}

/** Gives the block back; a claim that is no longer this lab's stays untouched. */
export function releaseClaim(claim: Claim): void {
  if (readClaim(claim.file)?.token === claim.token) unlinkSync(claim.file);
}

/** Whether the claim is still the lab's own. */
export function claimHeld(claim: Claim): boolean {
  return readClaim(claim.file)?.token === claim.token;
}

function tryClaim(block: string, directory: string, ownerPid: number | undefined): Claim | undefined {
  assertLoopback(`${block}.1`);
  const claim: Claim = {
    block,
    file: join(tmpdir(), `${PREFIX}${block}.lock`),
    token: randomBytes(12).toString('hex'),
  };
  const text: ClaimText = {
    token: claim.token,
    directory,
    by: ownerOf(process.pid),
    ...(ownerPid === undefined ? {} : { owner: ownerOf(ownerPid) }),
  };
  return createExclusively(claim.file, JSON.stringify(text)) ? claim : undefined;
}

function ownerOf(pid: number): Owner {
  return { pid, startTicks: startedAt(pid) ?? 'gone' };
}

function alive(owner: Owner): boolean {
  return startedAt(owner.pid) === owner.startTicks;
}

/** Written aside and linked into place: the link is exclusive, and nobody ever reads a half-written claim. */
function createExclusively(file: string, text: string): boolean {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(aside, text, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(aside, file);
    return true;
  } catch {
    return false;
  } finally {
    unlinkSync(aside);
  }
}

function sweepStale(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(PREFIX) || !name.endsWith('.lock')) continue;
    const file = join(tmpdir(), name);
    const claim = readClaim(file);
    if (claim !== undefined && isStale(claim)) removeStale(file, claim.token);
  }
}

function isStale(claim: ClaimText): boolean {
  if (claim.owner !== undefined) return !alive(claim.owner);
  return !existsSync(join(claim.directory, 'lab.json')) && !alive(claim.by);
}

/** Renamed first: of two that sweep, one gets the file, and a fresh claim that slipped in between is put back. */
function removeStale(file: string, token: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, aside);
    if (readClaim(aside)?.token !== token) linkSync(aside, file);
    unlinkSync(aside);
  } catch {
    return;
  }
}

function readClaim(file: string): ClaimText | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClaimText;
  } catch {
    return undefined;
  }
}

function nobodyListens(block: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: `${block}.1`, port: 6379 }, () => server.close(() => resolve(true)));
  });
}
