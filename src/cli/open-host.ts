import type { Channel } from '../hosts/channel.js';
import type { WritableHost } from '../hosts/host.js';
import type { HostKeyQuestion, HostKeyVerifier } from '../hosts/ssh/verifier.js';
import type { HostEntry } from '../model/inventory.js';
import type { Secret } from '../model/secret.js';
import { createAsk } from './ask.js';
import type { Context } from './context.js';

/** Opens hosts of every transport. One verifier for all of them: a key that was accepted for one hop is known to the next. */
export function hostOpener(context: Context): (entry: HostEntry) => Promise<WritableHost> {
  let verifier: Promise<HostKeyVerifier> | undefined;
  return async (entry) => {
    if (entry.transport === 'local') return (await import('../hosts/local.js')).openLocalHost(entry);
    verifier ??= makeVerifier(context);
    const channel = await openChannel(entry, await verifier, context);
    const { openRemoteHost } = await import('../hosts/remote/host.js');
    const tell = (line: string) => context.stderr(`${line}\n`);
    if (!canAsk(context)) return openRemoteHost(entry, channel, { tell });
    return openRemoteHost(entry, channel, {
      tell,
      askSecret: ({ host, user }) =>
        createAsk(context).secret(`sudo password of ${user} on ${host}:`, 'NOPASSWD in sudoers'),
    });
  };
}

async function openChannel(entry: HostEntry, verify: HostKeyVerifier, context: Context): Promise<Channel> {
  const { resolveTarget } = await import('../hosts/ssh/resolve-target.js');
  const target = await resolveTarget(entry, context.signal);
  if (entry.transport === 'openssh') {
    const { openOpensshChannel } = await import('../hosts/openssh/channel.js');
    return openOpensshChannel(target, { verify });
  }
  const { openSshChannel } = await import('../hosts/ssh/channel.js');
  if (!canAsk(context)) return openSshChannel(target, { verify });
  return openSshChannel(target, {
    verify,
    askSecret: async (request): Promise<Secret> => {
      const ask = createAsk(context);
      if (request.kind === 'passphrase') return ask.secret(`Passphrase of ${request.file}:`, 'an agent');
      if (request.kind === 'password') return ask.secret(`Password of ${request.user} on ${request.machine}:`, 'a key');
      return ask.secret(`${request.user} on ${request.machine}: ${request.prompt}`, 'a key');
    },
  });
}

async function makeVerifier(context: Context): Promise<HostKeyVerifier> {
  const { hostKeyVerifier } = await import('../hosts/ssh/verifier.js');
  if (!canAsk(context)) return hostKeyVerifier({});
  const yes = async (question: string): Promise<boolean> => {
    const key = await createAsk(context).choose(question, [
      { key: 'yes', says: 'the fingerprint is right' },
      { key: 'no', says: 'refuse' },
    ]);
    return key === 'yes';
  };
  return hostKeyVerifier({
    acceptKey: (question) => yes(`${keySays(question)} Compare it with the machine's own. yes or no?`),
    sendPassword: (question) =>
      yes(`The key of ${question.machine} was accepted a moment ago. Send it a password? yes or no?`),
  });
}

function keySays(question: HostKeyQuestion): string {
  const authority = question.hasCertAuthority
    ? ' (a certificate authority is named for it, which is not supported)'
    : '';
  return `Nobody knows the key of ${question.machine} (${question.name}) yet${authority}: ${question.type} ${question.fingerprint}.`;
}

function canAsk(context: Context): boolean {
  return context.isTerminal && !context.noInput;
}
