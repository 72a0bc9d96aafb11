import { RunbookError } from '../../errors.js';
import type { RedisWriter } from '../../hosts/host.js';
import type { ActionOf, Weighed } from '../../model/plan.js';
import type { Resp } from '../../model/raw-host.js';
import type { RunningRedis } from '../../model/survey.js';
import { encodeText } from '../../redis/byte-text.js';
import { redactConfig } from '../../redis/secrets.js';
import { readConfig } from '../config-texts.js';
import { raiseFence } from '../fence.js';
import { addressOf, configOf, fileHost, nodeAt, replyOf, runningOf, withReader, withWriter } from '../node.js';
import { followCommand, isDurable, knownNode, makeDurable, unfence } from '../role.js';
import { acceptedSince } from '../since-looked.js';
import type { Acted, ActionModule, At } from '../tools.js';
import { keptEnd } from './data-keep.js';

type Follow = ActionOf<'role.follow'>;

/**
 * Makes a running node a replica. Its files first: from then on a restart cannot make a second master of it. Then, as
 * Sentinel does it (sentinel.c:sentinelSendSlaveOf), in one transaction the role and the end of its clients, which would
 * else go on talking to a node that answers READONLY for ever (seen on 7.0.15).
 */
export const roleFollow: ActionModule<'role.follow'> = {
  changes: true,
  undo: { none: 'it follows the new master, and may hold a full copy of it by now; what it held is in its kept files' },
  until: ['role.lead'],
  look: (action, at) =>
    withReader(at, action.node, async (reader) => {
      const running = await runningOf(reader);
      const follows = running.role === 'replica' && running.masterAddress === addressOf(at, action.master);
      if (!follows) return { state: 'not-done', says: roleSays(running) };
      return (await isDurable(action, at))
        ? { state: 'done', says: `follows ${action.master}, and its files say so` }
        : { state: 'not-done', says: `follows ${action.master}, and its files do not say so` };
    }),
  act: (action, at) =>
    withWriter(at, action.node, async (writer) => {
      const isOwnFence = await fenceWeighed(action, await knownNode(writer, action.node, at), at);
      try {
        return await changeRole(action, writer, at);
      } catch (error) {
        if (isOwnFence) await unfence(writer, action.node, at).catch(() => undefined);
        throw error;
      }
    }),
};

async function changeRole(action: Follow, writer: RedisWriter, at: At): Promise<Acted> {
  const before = await runningOf(writer);
  const limit = await limitOf(action, before, at);
  refuseNewWrites(action, limit, before);
  await at.evidence(`before: ${roleSays(before)}, history ${before.replid}, offset ${before.offset}`, {
    replid: before.replid,
    offset: before.offset,
    keys: before.keys,
  });
  const address = addressOf(at, action.master);
  const texts = await Promise.all(
    action.files.map(({ path }) => readConfig(fileHost(at, action.node, path), path, at.signal)),
  );
  const diff = await makeDurable(action, address, at);
  await haveMasterauth(writer, action, at);
  try {
    refuseNewWrites(action, limit, await runningOf(writer));
  } catch (error) {
    await putBack(action, texts, at);
    throw error;
  }
  await follow(writer, before, address, at);
  await unfence(writer, action.node, at);
  return { says: `follows ${action.master}, and its files say so`, detail: { diff } };
}

/** It stays the master that it is: with files that say replica, its next start would throw away what it took. */
async function putBack({ node, files }: Follow, texts: readonly { readonly text: string }[], at: At): Promise<void> {
  for (const [index, { path }] of files.entries()) {
    const host = fileHost(at, node, path);
    const { sha256 } = await readConfig(host, path, at.signal);
    await host.write(path, encodeText(texts[index]?.text ?? ''), sha256, at.signal);
    await at.evidence(`${path} is put back: ${node} stays master`);
  }
}

/**
 * A master whose writes were weighed takes none from here on: whatever it took before it has its new role would be thrown
 * away. Whether a fence was raised for that: below 6.2 there is none, and only the looks before and after the files tell.
 */
async function fenceWeighed({ node, upTo, asKept }: Follow, { role }: RunningRedis, at: At): Promise<boolean> {
  if ((upTo === undefined && !asKept) || role !== 'master' || at.memory.fences.has(node)) return false;
  const keeper = await raiseFence(at, node);
  if (keeper) at.memory.fences.set(node, keeper);
  return keeper !== undefined;
}

function roleSays(running: RunningRedis): string {
  return running.role === 'master' ? 'is master' : `replica of ${running.masterAddress}`;
}

/** How far a master may have come; undefined where nothing says it. Throws RunbookError('changed') when that must be known and is not. */
async function limitOf({ node, upTo, asKept }: Follow, { role }: RunningRedis, at: At): Promise<Weighed | undefined> {
  if (upTo !== undefined || !asKept || role !== 'master') return upTo;
  const kept = await keptEnd(node, at);
  // Below 6.2 there is no fence, which was said when it was to be raised, and no end that could be told.
  if (kept !== undefined || !at.memory.fences.has(node)) return kept;
  throw new RunbookError('changed', `${node} was not kept as it is now.`, {
    facts: ['nothing says where it stood when it was kept', 'as a replica it would throw away what came after that'],
    next: ['redis-runbook recover'],
  });
}

/** What a master accepted since it was weighed, or kept, is weighed or kept nowhere, and it is about to copy another one. */
function refuseNewWrites({ node, asKept }: Follow, limit: Weighed | undefined, now: RunningRedis): void {
  if (limit === undefined || now.role !== 'master') return;
  const took = acceptedSince(limit, now);
  if (took === undefined) return;
  throw new RunbookError(
    'changed',
    `${node} has accepted writes since ${asKept ? 'it was kept' : 'the plan was made'}.`,
    {
      facts: [
        `it took ${took}; it was at offset ${limit.offset}, and is at ${now.offset}`,
        'as a replica it would throw them away',
      ],
      next: ['redis-runbook status --why', 'redis-runbook recover'],
    },
  );
}

/** A node with a password and no masterauth could not log in to its master: what its file now says is set, too. */
async function haveMasterauth(writer: RedisWriter, { node }: Follow, at: At): Promise<void> {
  if ((await configOf(writer, 'masterauth')) !== '') return;
  const { entry, host } = nodeAt(at, node);
  const { text } = await readConfig(host, entry.config, at.signal);
  const secret = redactConfig(text).secrets.get('masterauth');
  if (secret) await secret.reveal((word) => replyOf(writer, 'CONFIG SET', 'masterauth', word));
}

async function follow(writer: RedisWriter, before: RunningRedis, address: string, at: At): Promise<void> {
  const colon = address.lastIndexOf(':');
  const command = followCommand(before);
  await replyOf(writer, 'MULTI');
  await replyOf(writer, command, address.slice(0, colon), address.slice(colon + 1));
  await replyOf(writer, 'CLIENT KILL', 'TYPE', 'normal');
  await replyOf(writer, 'CLIENT KILL', 'TYPE', 'pubsub');
  const answers = await replyOf(writer, 'EXEC');
  const [role, ...kills] = Array.isArray(answers) ? (answers as readonly Resp[]) : [];
  if (typeof role !== 'string' || !role.startsWith('OK'))
    throw new Error(`${command} in the transaction was answered with ${JSON.stringify(role)}`);
  await at.evidence('clients disconnected', { normal: kills[0], pubsub: kills[1] });
}
