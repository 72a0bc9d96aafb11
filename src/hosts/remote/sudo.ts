import { randomBytes } from 'node:crypto';
import { RunbookError } from '../../errors.js';
import type { HostEntry } from '../../model/inventory.js';
import type { Secret } from '../../model/secret.js';
import { type Channel, type ExecOptions, type ExecResult, type ExecStream, KEY_IS_NEW } from '../channel.js';
import { shellLine, shellQuote } from '../shell-quote.js';
import { rootShell } from './root-commands.js';
import type { Script } from './run-as.js';
import { textOf } from './script.js';
import { type ShellPool, shellPool } from './shell-pool.js';
import { type Asked, execAfterPassword, openAfterPassword } from './sudo-password.js';
import { PROBE, type Rights, readRights, sudoError } from './sudo-rights.js';

/**
 * Asks the operator for the sudo password of a host, once per host; undefined when nobody can be asked. Rejects when no
 * password may be sent to the host.
 */
export type AskSecret = (question: { readonly host: string; readonly user: string }) => Promise<Secret | undefined>;

/** Who answers for a host's sudo. */
export interface SudoAsker {
  readonly askSecret?: AskSecret;
  /** For another password, once, when the first one was not accepted: it may have been the account's on other hosts. */
  readonly askAgain?: AskSecret;
  /** Where fleet.yaml has the password from, in words; left out where a person is asked. */
  readonly source?: string;
}

/** Runs scripts on one host with the highest right that fleet.yaml gives there. */
export interface Shell {
  readonly host: string;
  /** Who is logged in and what sudo says; seen once. */
  rights(signal: AbortSignal): Promise<Rights>;
  /** As root where there is sudo or a login as root, else as the login user. Rejects with RunbookError `sudo`, or as the channel does. */
  exec(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  /** The same for reading: while sudo would ask, the login user's own right is tried first. `denied` tells a refusal by its status. */
  look(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  /** As `exec`, with streams, for reading. Standard error may be missing. */
  open(script: Script, signal: AbortSignal): Promise<ExecStream>;
  /** The same for what changes something. */
  pour(script: Script, signal: AbortSignal): Promise<ExecStream>;
  /** With the login user's own right. */
  plain(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  /** Ends the shells that stay open between scripts. */
  close(): void;
}

const PROBE_TIMEOUT_MS = 20_000;
const DENIED = 41;

/**
 * What a script may know of who runs it, so that it does not have to ask the host: `rrb_me` = the uid, `rrb_as` = setpriv
 * where that is known to work. Set in the script's own text, also when nothing is known: the environment of a login says neither.
 */
function knowing({ script, args }: Script, uid: number | undefined, actsBy: Rights['actsBy']): Script {
  return { script: `rrb_me=${uid ?? ''} rrb_as=${actsBy ?? ''}\n${script}`, args };
}

/** By a user of whom only this is known. */
function knownBy(script: Script, rights: Rights | undefined): Script {
  return knowing(script, rights?.uid, rights?.uid === 0 ? rights.actsBy : undefined);
}

/** Through sudo; only where the probe came to root there it is root for certain. */
function knownByRoot(script: Script, { actsBy }: Rights): Script {
  return knowing(script, actsBy && 0, actsBy);
}

function wordsOf({ script, args }: Script): readonly string[] {
  return [rootShell, '-c', script, 'sh', ...args];
}

function lineOf(script: Script): string {
  return shellLine(wordsOf(script));
}

/** A sudo ticket that ran out: sudo -n refused before it ran anything. */
function ticketRanOut(result: ExecResult): boolean {
  return (
    result.status === 1 && result.stdout.length === 0 && /^sudo: .*password is required/m.test(textOf(result.stderr))
  );
}

/** One use of the password, with words that only this use knows. */
function withNonces(password: Secret): Asked {
  const prompt = `redis-runbook-${randomBytes(12).toString('hex')}:`;
  const ready = `redis-runbook-${randomBytes(12).toString('hex')}`;
  return { password, prompt, ready, sudo: `LC_ALL=C sudo -S -p ${shellQuote(prompt)}` };
}

/** The password is proved for everybody who waits for it: one that stops waiting does not end it. */
const NEVER = new AbortController().signal;

class SudoShell implements Shell {
  readonly host: string;
  readonly #channel: Channel;
  readonly #become: HostEntry['become'];
  readonly #asker: SudoAsker;
  #rights: Promise<Rights> | undefined;
  #seen: Rights | undefined;
  #password: Promise<Secret> | undefined;
  readonly #own: ShellPool;
  readonly #root: ShellPool;
  #refused: RunbookError | undefined;

  constructor(entry: HostEntry, channel: Channel, asker: SudoAsker) {
    this.host = entry.name;
    this.#become = entry.become;
    this.#channel = channel;
    this.#asker = asker;
    this.#own = shellPool(channel, '/bin/sh');
    this.#root = shellPool(channel, `LC_ALL=C sudo -n ${rootShell}`);
  }

  rights(signal: AbortSignal): Promise<Rights> {
    this.#rights ??= this.#probe(signal).catch((error: unknown) => {
      this.#rights = undefined;
      throw error;
    });
    return this.#rights;
  }

  async #probe(signal: AbortSignal): Promise<Rights> {
    const options = { timeoutMs: PROBE_TIMEOUT_MS, limitBytes: 64 * 1024 };
    const result = await this.plain({ script: PROBE, args: [this.#become] }, options, signal);
    this.#seen = readRights(textOf(result.stdout), this.#become);
    return this.#seen;
  }

  async plain(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    const known = knownBy(script, this.#seen);
    if (await this.#own.takes(options, signal)) return this.#own.exec(wordsOf(known), options, signal);
    return this.#channel.exec(lineOf(known), options, signal);
  }

  async exec(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    const rights = await this.rights(signal);
    if (rights.sudo === 'not-needed') return this.plain(script, options, signal);
    if (rights.sudo === 'without-password') {
      const result = await this.#asRoot(knownByRoot(script, rights), options, signal);
      if (!ticketRanOut(result)) return result;
      this.#rights = Promise.resolve({ ...rights, sudo: 'asks' });
    } else if (rights.sudo !== 'asks') throw sudoError(this.host, rights.user, rights.sudo.refused);
    const asked = await this.#asked(rights, signal);
    const known = knownByRoot(script, rights);
    return this.#settle(rights, execAfterPassword(this.#channel, known, asked, options, signal));
  }

  async look(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    const rights = await this.rights(signal);
    if (rights.sudo === 'not-needed' || rights.sudo === 'without-password' || this.#password !== undefined) {
      return this.exec(script, options, signal);
    }
    const result = await this.plain(script, options, signal);
    return result.status === DENIED ? this.exec(script, options, signal) : result;
  }

  async open(script: Script, signal: AbortSignal): Promise<ExecStream> {
    const rights = await this.rights(signal);
    if (rights.sudo === 'not-needed') return this.#channel.open(lineOf(knownBy(script, rights)), signal);
    const known = knownByRoot(script, rights);
    if (rights.sudo === 'without-password') return this.#channel.open(`LC_ALL=C sudo -n ${lineOf(known)}`, signal);
    if (rights.sudo !== 'asks') throw sudoError(this.host, rights.user, rights.sudo.refused);
    const asked = await this.#asked(rights, signal);
    return this.#settle(rights, openAfterPassword(this.#channel, known, asked, signal));
  }

  pour(script: Script, signal: AbortSignal): Promise<ExecStream> {
    return this.open(script, signal);
  }

  close(): void {
    this.#own.close();
    this.#root.close();
  }

  async #asRoot(script: Script, options: ExecOptions, signal: AbortSignal): Promise<ExecResult> {
    if (await this.#root.takes(options, signal)) return this.#root.exec(wordsOf(script), options, signal);
    return this.#channel.exec(`LC_ALL=C sudo -n ${lineOf(script)}`, options, signal);
  }

  /** One question per host, whoever needs the answer first. */
  async #asked(rights: Rights, signal: AbortSignal): Promise<Asked> {
    if (this.#refused) throw this.#refused;
    const mayBeSent = (await this.#channel.mayHavePassword?.(signal)) ?? true;
    if (!mayBeSent) throw sudoError(this.host, rights.user, KEY_IS_NEW);
    this.#password ??= this.#askAndProve(rights);
    return withNonces(await this.#password);
  }

  /** Whoever waits for the password gets one that sudo has accepted: a wrong one is tried once, not once by each. */
  async #askAndProve(rights: Rights): Promise<Secret> {
    const first = await this.#given(rights, this.#asker.askSecret);
    const why = await this.#refusalOf(first);
    if (why === undefined) return first;
    const { askAgain } = this.#asker;
    const question = { host: this.host, user: rights.user };
    const second = askAgain && /not accepted/.test(why) ? await askAgain(question) : undefined;
    const last = second === undefined || second.equals(first) ? why : await this.#refusalOf(second);
    if (second !== undefined && last === undefined) return second;
    this.#refused = sudoError(this.host, rights.user, last ?? why, this.#asker.source);
    throw this.#refused;
  }

  async #given(rights: Rights, ask: AskSecret | undefined): Promise<Secret> {
    const password = await ask?.({ host: this.host, user: rights.user });
    if (password !== undefined) return password;
    const refused = sudoError(this.host, rights.user, 'a password is required, and nobody could be asked for it');
    const facts = [...refused.facts, 'or name where the password comes from: sudo-password in the fleet file'];
    this.#refused = new RunbookError('sudo', refused.message, { facts, next: refused.next });
    throw this.#refused;
  }

  /** sudo's words when it does not accept the password. */
  async #refusalOf(password: Secret): Promise<string | undefined> {
    const options = { timeoutMs: PROBE_TIMEOUT_MS, limitBytes: 4096 };
    const nothing = { script: 'exit 0', args: [] };
    const done = await execAfterPassword(this.#channel, nothing, withNonces(password), options, NEVER);
    return 'refused' in done ? done.refused : undefined;
  }

  /** A password that was not accepted is not tried again: a second try may lock the account. */
  async #settle<T>(rights: Rights, work: Promise<T | { readonly refused: string }>): Promise<T> {
    const done = await work;
    if (typeof done !== 'object' || done === null || !('refused' in done)) return done;
    this.#refused = sudoError(this.host, rights.user, done.refused);
    throw this.#refused;
  }
}

/** The shell of a host; nothing is sent before it is used. */
export function openShell(entry: HostEntry, channel: Channel, asker: SudoAsker = {}): Shell {
  return new SudoShell(entry, channel, asker);
}
