import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PingSource } from '../../model/retention.js';
import { Secret } from '../../model/secret.js';
import { readSmall } from '../repository/durable.js';

/** Tells a monitoring of a backup, in the convention of healthchecks.io: URL/start, URL, URL/fail, the log's end as the body. */
export interface Pinger {
  /** Each resolves within ten seconds and never rejects: undefined when it was heard, else why not, in words without the address. */
  start(): Promise<string | undefined>;
  success(log: string): Promise<string | undefined>;
  failure(log: string): Promise<string | undefined>;
}

const timeoutMs = 10_000;
/** healthchecks.io keeps the first 100 kB of a body; the end of a log says more than its beginning. */
const bodyLimit = 10_000;

/** A pinger for this source; without one every ping is heard by nobody and resolves at once. The credential `ping-url` of systemd wins. */
export async function createPinger(
  source: PingSource | undefined,
  env: Readonly<Record<string, string | undefined>>,
  limitMs = timeoutMs,
): Promise<Pinger> {
  const address = await addressOf(source, env);
  if (address === undefined) return { start: heard, success: heard, failure: heard };
  if (typeof address === 'string')
    return { start: async () => address, success: async () => address, failure: async () => address };
  return {
    start: () => ping(address, 'start', '', limitMs),
    success: (log) => ping(address, undefined, log, limitMs),
    failure: (log) => ping(address, 'fail', log, limitMs),
  };
}

async function heard(): Promise<undefined> {
  return undefined;
}

/** The address, undefined when none is wanted, or in words why it cannot be had. */
async function addressOf(
  source: PingSource | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Secret | string | undefined> {
  const directory = env.CREDENTIALS_DIRECTORY;
  const given =
    directory === undefined ? undefined : await readSmall(join(directory, 'ping-url'), 8192).catch(() => undefined);
  const text = given === undefined ? await textOf(source, env) : new TextDecoder().decode(given);
  if (text === undefined) return source === undefined ? undefined : 'the address to ping could not be read';
  const address = text.trim();
  return /^https?:\/\/\S+$/.test(address) && URL.canParse(address)
    ? new Secret(address)
    : 'what should be the address to ping is none';
}

async function textOf(
  source: PingSource | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  switch (source?.from) {
    case undefined:
      return undefined;
    case 'url':
      return source.url;
    case 'env':
      return env[source.name];
    case 'file':
      return readFile(source.path, 'utf8').catch(() => undefined);
  }
}

async function ping(
  address: Secret,
  what: 'start' | 'fail' | undefined,
  log: string,
  limitMs: number,
): Promise<string | undefined> {
  try {
    const response = await address.reveal((text) =>
      fetch(withWord(text, what), {
        method: 'POST',
        body: log.slice(-bodyLimit),
        headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'redis-runbook' },
        // A redirect may lead anywhere: the address is as good as a password.
        redirect: 'manual',
        signal: AbortSignal.timeout(limitMs),
      }),
    );
    await response.body?.cancel();
    return response.ok ? undefined : `the ping was answered with status ${response.status}`;
  } catch (error) {
    return `the ping was not heard: ${reasonOf(error, limitMs)}`;
  }
}

/** The words of the system's code only: messages of fetch may hold the address. */
function reasonOf(error: unknown, limitMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${limitMs / 1000} s`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'no connection';
}

function withWord(address: string, what: 'start' | 'fail' | undefined): URL {
  const url = new URL(address);
  if (what !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/${what}`;
  return url;
}
