import type { Channel } from '../hosts/channel.js';
import type { SudoAsker } from '../hosts/remote/sudo.js';
import type { AskSecret } from '../hosts/ssh/secrets.js';
import type { SshTarget } from '../hosts/ssh/target.js';
import type { HostKeyQuestion, HostKeyVerifier } from '../hosts/ssh/verifier.js';
import type { ToldOfKey } from '../hosts/ssh/watched-verifier.js';
import type { HostEntry, SecretSource } from '../model/inventory.js';
import type { Secret } from '../model/secret.js';
import { type Ask, createAsk } from './ask.js';
import type { Context } from './context.js';
import type { HostOpener } from './host-opener.js';

/** What all hosts of a run share: who verifies keys, and who is asked for passwords. */
interface Shared {
  readonly verify: HostKeyVerifier;
  /** Left out where nobody can be asked. */
  readonly ask?: AskSecret;
}

/**
 * Opens hosts of every transport. They share one verifier (a key that was accepted for one hop is known to the next) and
 * one memory of passwords: one question per account, not per host. `told` hears of every host key that is shown.
 */
export function hostOpener(context: Context, told?: ToldOfKey): HostOpener {
  let shared: Promise<Shared> | undefined;
  const turn = inTurn();
  const sources = sudoSources(context.fleetFile ?? '');
  const open = async (entry: HostEntry) => {
    if (entry.transport === 'local') return (await import('../hosts/local.js')).openLocalHost(entry);
    shared ??= share(context, turn.ask, told);
    const all = await shared;
    const { resolveTarget } = await import('../hosts/ssh/resolve-target.js');
    const target = await resolveTarget(entry, context.signal);
    const { openRemoteHost } = await import('../hosts/remote/host.js');
    const tell = (line: string) => context.stderr(`${line}\n`);
    return openRemoteHost(entry, await openChannel(entry, target, all), {
      ...(sources(entry) ?? sudoAsker(all, context)),
      tell,
    });
  };
  return { open, questionsAnswered: turn.over };
}

async function openChannel(entry: HostEntry, target: SshTarget, { verify, ask }: Shared): Promise<Channel> {
  if (entry.transport === 'openssh') {
    const { openOpensshChannel } = await import('../hosts/openssh/channel.js');
    return openOpensshChannel(target, { verify });
  }
  const { openSshChannel } = await import('../hosts/ssh/channel.js');
  return openSshChannel(target, ask === undefined ? { verify } : { verify, askSecret: ask });
}

async function share(context: Context, turn: Turn, told: ToldOfKey | undefined): Promise<Shared> {
  const { hostKeyVerifier } = await import('../hosts/ssh/verifier.js');
  const watched = async (verify: HostKeyVerifier) =>
    told === undefined ? verify : (await import('../hosts/ssh/watched-verifier.js')).watchedVerifier(verify, told);
  const canAsk = context.isTerminal && !context.noInput;
  if (!canAsk && context.handed === undefined) return { verify: await watched(hostKeyVerifier({})) };
  const { rememberSecrets } = await import('../hosts/ssh/secrets.js');
  const ask = createAsk(context);
  const verify = hostKeyVerifier(canAsk ? keyQuestions(ask, turn) : {});
  return {
    verify: await watched(verify),
    ask: rememberSecrets((request, attempt) => turn(() => askFor(ask, request, attempt))),
  };
}

type Turn = <T>(question: () => Promise<T>) => Promise<T>;

/** Hosts are opened side by side, and there is one terminal: one question at a time, of whatever kind. */
function inTurn(): { readonly ask: Turn; over(): Promise<boolean> } {
  let last: Promise<unknown> = Promise.resolve();
  let asked = 0;
  let told = 0;
  const ask: Turn = (question) => {
    asked += 1;
    const next = last.then(question, question);
    last = next.catch(() => undefined);
    return next;
  };
  const over = async () => {
    for (let seen = -1; seen !== asked; ) {
      seen = asked;
      await last;
    }
    const any = asked > told;
    told = asked;
    return any;
  };
  return { ask, over };
}

type Request = Parameters<AskSecret>[0];

function askFor(ask: Ask, request: Request, attempt: number): Promise<Secret> {
  if (request.kind === 'passphrase') return ask.secret(`Passphrase of ${request.file}:`, 'an agent');
  if (request.kind === 'answer') return ask.secret(`${request.user} on ${request.machine}: ${request.prompt}`, 'a key');
  const what = request.kind === 'sudo' ? 'sudo password' : 'Password';
  const flag = request.kind === 'sudo' ? 'NOPASSWD in sudoers' : 'a key';
  if (attempt > 1) return ask.secret(`Not accepted. ${what} of ${request.user} on ${request.machine} alone:`, flag);
  return ask.secret(`${what} of ${request.user} (${request.machine}, and every host that asks for it):`, flag);
}

/** The sources of fleet.yaml, each asked once and only when a sudo asks; undefined where a person is to be asked. */
function sudoSources(file: string): (entry: HostEntry) => SudoAsker | undefined {
  const given = new Map<string, Promise<Secret>>();
  const wanted = {
    file,
    key: 'sudo-password',
    question: '',
    instead: 'or remove sudo-password: a person is asked then',
  };
  return ({ sudoPassword: source }) => {
    if (source === undefined || source.from === 'prompt') return undefined;
    const key = JSON.stringify(source);
    const askSecret = async () => {
      const secret =
        given.get(key) ?? import('../inventory/secret-source.js').then((all) => all.resolveSecret(source, wanted));
      given.set(key, secret);
      return secret;
    };
    return { askSecret, source: wordsOfSource(source) };
  };
}

function wordsOfSource(source: SecretSource): string {
  if (source.from === 'env') return `the environment variable ${source.name}`;
  return source.from === 'file' ? `the file ${source.path}` : 'a command';
}

/** The channel says whether the machine may have a password at all. */
function sudoAsker({ ask }: Shared, context: Context): SudoAsker {
  if (ask === undefined) return {};
  const given = (attempt: number) => async (question: { readonly host: string; readonly user: string }) =>
    ask({ kind: 'sudo', user: question.user, machine: question.host }, attempt, context.signal);
  return { askSecret: given(1), askAgain: given(2) };
}

function keyQuestions(ask: Ask, turn: Turn) {
  const yes = async (question: string): Promise<boolean> => {
    const key = await turn(() =>
      ask.choose(question, [
        { key: 'yes', says: 'the fingerprint is right' },
        { key: 'no', says: 'refuse' },
      ]),
    );
    return key === 'yes';
  };
  return {
    acceptKey: (question: HostKeyQuestion) => yes(`${keySays(question)} Compare it with the machine's own. yes or no?`),
    sendPassword: (question: HostKeyQuestion) =>
      yes(`The key of ${question.machine} was accepted a moment ago. Send it a password? yes or no?`),
  };
}

function keySays(question: HostKeyQuestion): string {
  const authority = question.hasCertAuthority
    ? ' (a certificate authority is named for it, which is not supported)'
    : '';
  return `Nobody knows the key of ${question.machine} (${question.name}) yet${authority}: ${question.type} ${question.fingerprint}.`;
}
