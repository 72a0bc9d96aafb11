import { readFileSync } from 'node:fs';
import type { RunDirectory } from '../execute/run-directory.js';
import { Secret } from '../model/secret.js';

/** What a process that outlives its terminal got from the one that was asked there. */
export interface HandedOver {
  readonly directory: RunDirectory;
  /** Of the plan that was shown and agreed to: any other is refused. */
  readonly fingerprint: string;
  /** Question → what was typed. */
  readonly secrets: ReadonlyMap<string, Secret>;
}

const MARK = 'REDIS_RUNBOOK_HANDED_OVER';

/** The environment of a process that is handed a run: what it gets is on its standard input, secrets and all. */
export function handingEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, [MARK]: String(process.pid) };
}

/** The text for the standard input of such a process. Nothing of it may reach a disk, an argument or an environment. */
export function handingText({ directory, fingerprint, secrets }: HandedOver): string {
  const told = [...secrets].map(([question, secret]) => [question, secret.reveal((text) => text)]);
  return JSON.stringify({ directory, fingerprint, secrets: told });
}

/** Whether this process was handed a run by its parent; to be asked before `takeHandedOver`. */
export function isHandedOver(env: NodeJS.ProcessEnv): boolean {
  return env[MARK] !== undefined && Number(env[MARK]) === process.ppid;
}

/** What this process was handed by its parent, read once; undefined in a process that a person started. */
export function takeHandedOver(env: NodeJS.ProcessEnv): HandedOver | undefined {
  const isChild = isHandedOver(env);
  delete env[MARK];
  if (!isChild) return undefined;
  const { directory, fingerprint, secrets } = JSON.parse(readFileSync(0, 'utf8')) as {
    directory: RunDirectory;
    fingerprint: string;
    secrets: readonly (readonly [string, string])[];
  };
  return { directory, fingerprint, secrets: new Map(secrets.map(([question, text]) => [question, new Secret(text)])) };
}
