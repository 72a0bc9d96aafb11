import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { RunbookError } from '../errors.js';
import type { Inventory } from '../model/inventory.js';
import { buildInventory } from './build.js';
import { checkMeaning } from './check.js';
import { type FleetDocument, readDocument } from './document.js';
import { fleetFileError, fromIssues } from './mistakes.js';
import { type FleetFile, fleetSchema } from './schema.js';
import { type FileOwner, untrustedKeys } from './trust.js';

const limitBytes = 1024 * 1024;

/**
 * Reads and checks a fleet file and fills in every default. Rejects with RunbookError `no-fleet` when it cannot be
 * read and `fleet-file` when it is wrong: all its mistakes at once, each with line and column.
 */
export async function loadInventory(path: string): Promise<Inventory> {
  const { text, owner } = await readFleetFile(path);
  return parseInventory(path, text, owner, process.getuid?.());
}

/** The same for a text that was already read. `owner` and `myUid` decide whether keys that run something are taken. */
export function parseInventory(path: string, text: string, owner: FileOwner, myUid: number | undefined): Inventory {
  const document = readDocument(text);
  if (document.mistakes.length > 0) {
    throw fleetFileError(path, document.mistakes);
  }
  if (document.data === null || document.data === undefined) {
    throw fleetFileError(path, [{ line: 1, column: 1, text: 'the file is empty: expected name, group and hosts' }]);
  }
  const fleet = checkShape(path, document, untrustedKeys(document, owner, myUid));
  const meaning = checkMeaning(fleet, document);
  if (meaning.length > 0) {
    throw fleetFileError(path, meaning);
  }
  return buildInventory(path, fleet, (host) => document.at(['hosts', host], 'key').line);
}

function checkShape(path: string, document: FleetDocument, untrusted: ReturnType<typeof untrustedKeys>): FleetFile {
  const parsed = fleetSchema.safeParse(document.data);
  const mistakes = [...untrusted, ...(parsed.success ? [] : fromIssues(parsed.error.issues, document))];
  if (!parsed.success || mistakes.length > 0) {
    throw fleetFileError(path, mistakes);
  }
  return parsed.data;
}

async function readFleetFile(path: string): Promise<{ text: string; owner: FileOwner }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`);
  });
  try {
    const { uid, mode, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw unreadable(path, 'it is not a regular file');
    }
    if (size > limitBytes) {
      throw unreadable(path, 'it is larger than 1 MB');
    }
    const buffer = Buffer.alloc(limitBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { text: decode(path, buffer.subarray(0, Math.min(bytesRead, limitBytes))), owner: { uid, mode } };
  } finally {
    await file.close();
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(path, 'it is not UTF-8 text');
  }
}

function unreadable(path: string, why: string): RunbookError {
  return new RunbookError('no-fleet', `the fleet file ${path} cannot be used: ${why}.`, {
    next: ['redis-runbook status --fleet FILE    another file'],
  });
}
