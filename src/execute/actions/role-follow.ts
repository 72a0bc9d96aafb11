import { RunbookError } from '../../errors.js';
import type { RedisWriter } from '../../hosts/host.js';
import type { ActionOf } from '../../model/plan.js';
import type { Resp } from '../../model/raw-host.js';
import type { RunningRedis } from '../../model/survey.js';
import { redactConfig } from '../../redis/secrets.js';
import { readConfig } from '../config-texts.js';
import { raiseFence } from '../fence.js';
import { addressOf, configOf, nodeAt, replyOf, runningOf, withReader, withWriter } from '../node.js';
import { isDurable, knownNode, makeDurable, replicaofWord, unfence } from '../role.js';
import { acceptedSince } from '../since-looked.js';
import type { Acted, ActionModule, At } from '../tools.js';

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
  refuseNewWrites(action, before);
  await at.evidence(`before: ${roleSays(before)}, history ${before.replid}, offset ${before.offset}`, {
    replid: before.replid,
    offset: before.offset,
    keys: before.keys,
  });
  const address = addressOf(at, action.master);
  const diff = await makeDurable(action, address, at);
  await haveMasterauth(writer, action, at);
  refuseNewWrites(action, await runningOf(writer));
  await follow(writer, before, address, at);
  await unfence(writer, action.node, at);
  return { says: `follows ${action.master}, and its files say so`, detail: { diff } };
}

/**
 * A master whose writes were weighed takes none from here on: whatever it took before it has its new role would be thrown
 * away. Whether a fence was raised for that: below 6.2 there is none, and only the looks before and after the files tell.
 */
async function fenceWeighed({ node, upTo }: Follow, { role }: RunningRedis, at: At): Promise<boolean> {
  if (upTo === undefined || role !== 'master' || at.memory.fences.has(node)) return false;
  const keeper = await raiseFence(at, node);
  if (keeper) at.memory.fences.set(node, keeper);
  return keeper !== undefined;
}

function roleSays(running: RunningRedis): string {
  return running.role === 'master' ? 'is master' : `replica of ${running.masterAddress}`;
}

/** What a master accepted since the survey was never weighed against what it is about to copy. */
function refuseNewWrites({ node, upTo }: Follow, now: RunningRedis): void {
  if (upTo === undefined || now.role !== 'master') return;
  const took = now.replid === upTo.replid ? acceptedSince(upTo, now) : 'writes of another history';
  if (took === undefined) return;
  throw new RunbookError('changed', `${node} has accepted writes since the plan was made.`, {
    facts: [
      `it took ${took}; it was at offset ${upTo.offset}, and is at ${now.offset}`,
      'as a replica it would throw them away',
    ],
    next: ['redis-runbook status --why', 'redis-runbook recover'],
  });
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
  const command = replicaofWord(before);
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
