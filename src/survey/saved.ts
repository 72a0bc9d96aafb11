import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { RunbookError } from '../errors.js';
import type { Inventory, PasswordSource } from '../model/inventory.js';
import { fromJson, toJson } from '../model/json.js';
import type { RawHost } from '../model/raw-host.js';
import { redactWords } from '../redis/secrets.js';
import { readSavedSurvey, savedSchema } from './saved-schema.js';

/** Larger than any look may bring back of a fleet of a hundred hosts; a file above it is not read. */
const limitBytes = 512 * 1024 * 1024;

/**
 * Writes what a look brought back, with the inventory it was made from, as one JSON document (mode 0600, replaced as a
 * whole). It holds no password: RawHosts have tokens in their place, the inventory says where passwords come from, and
 * secrets on start commands are replaced here. Throws RunbookError `survey-file` when the file cannot be written.
 */
export async function saveSurvey(file: string, raws: readonly RawHost[], inventory: Inventory): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, surveyText(raws, inventory), { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw surveyFile(file, `cannot be written: ${reasonOf(error)}`);
  }
}

/** The document that `saveSurvey` writes and `loadSurvey` reads. */
export function surveyText(raws: readonly RawHost[], inventory: Inventory): string {
  return `${toJson({ schema: savedSchema, inventory: withoutSecrets(inventory), hosts: raws })}\n`;
}

/** Reads what `saveSurvey` wrote. Throws RunbookError `survey-file` for anything else, saying what and where. */
export async function loadSurvey(
  file: string,
): Promise<{ readonly inventory: Inventory; readonly raws: readonly RawHost[] }> {
  const saved = readSavedSurvey(parsed(file, await textIn(file)));
  if ('mistake' in saved) throw surveyFile(file, saved.mistake);
  return { inventory: saved.inventory, raws: saved.hosts };
}

async function textIn(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > limitBytes) throw new Error(`larger than ${limitBytes} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw surveyFile(file, `cannot be read: ${reasonOf(error)}`);
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return fromJson(text);
  } catch (error) {
    throw surveyFile(file, `is no JSON: ${reasonOf(error)}`);
  }
}

function surveyFile(file: string, says: string): RunbookError {
  return new RunbookError('survey-file', `The survey file ${file} ${says}.`, {
    next: ['redis-runbook status --save FILE'],
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withoutSecrets(inventory: Inventory): Inventory {
  // What is kept of backups is no part of a survey, and the address of a ping is as good as a password.
  const { backup: _, ...seen } = inventory;
  return {
    ...seen,
    password: bareSource(inventory.password),
    hosts: inventory.hosts.map((host) => ({
      ...host,
      nodes: host.nodes.map((node) => ({
        ...node,
        start: redactWords(node.start),
        ...(node.password ? { password: bareSource(node.password) } : {}),
      })),
    })),
  };
}

/** A password command may have a secret among its words: its program alone is kept. */
function bareSource(source: PasswordSource): PasswordSource {
  return source.from === 'command' ? { from: 'command', argv: source.argv.slice(0, 1) } : source;
}
