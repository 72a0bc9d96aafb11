import type { Resp } from '../model/raw-host.js';
import type { SentinelPeer, SentinelReplica, SentinelView } from '../model/survey.js';
import { bigField, type Fields, numberField } from './fields.js';

/** What `SENTINEL MASTER name` gives of a view; peers, replicas and CKQUORUM come from answers of their own. */
export type SentinelMasterAnswer = Omit<SentinelView, 'peers' | 'replicas' | 'ckquorum'> & {
  readonly name: string;
  readonly replicaCount: number;
  readonly otherSentinelCount: number;
};

/** A flat array of names and values as a map. Throws an Error with the server's text, or when the answer is no such array. */
export function pairs(resp: Resp): ReadonlyMap<string, string> {
  const items = listOf(resp);
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < items.length; at += 2) {
    const [name, value] = [items[at], items[at + 1]];
    if (typeof name === 'string' && typeof value === 'string') map.set(name, value);
  }
  return map;
}

/** Reads the answer of `SENTINEL MASTER name`. Throws an Error on an error answer or one without an address. */
export function parseSentinelMaster(resp: Resp): SentinelMasterAnswer {
  const row = pairs(resp);
  if (!row.has('ip') || !row.has('port')) throw new Error('the answer of SENTINEL MASTER names no address');
  const failoverState = row.get('failover-state');
  return {
    name: row.get('name') ?? '',
    master: addressOf(row),
    flags: flagsOf(row),
    configEpoch: bigField(row, 'config-epoch'),
    quorum: numberField(row, 'quorum'),
    downAfterMs: numberField(row, 'down-after-milliseconds'),
    failoverTimeoutMs: numberField(row, 'failover-timeout'),
    ...(failoverState === undefined ? {} : { failoverState }),
    replicaCount: numberField(row, 'num-slaves', 'num-replicas'),
    otherSentinelCount: numberField(row, 'num-other-sentinels'),
  };
}

/** Reads the answer of `SENTINEL REPLICAS name` (`SLAVES` before 5.0). Ages in milliseconds. */
export function parseSentinelReplicas(resp: Resp): SentinelReplica[] {
  return rowsOf(resp).map((row) => ({
    address: addressOf(row),
    flags: flagsOf(row),
    infoAgoMs: numberField(row, 'info-refresh'),
    masterLinkDownMs: numberField(row, 'master-link-down-time'),
    masterLinkOk: row.get('master-link-status') === 'ok',
    offset: bigField(row, 'slave-repl-offset', 'replica-repl-offset'),
    priority: numberField(row, 'slave-priority', 'replica-priority'),
  }));
}

/**
 * Whether Sentinel could choose this replica, by its flags and its priority alone (sentinel.c:sentinelSelectSlave): how old
 * its INFO is and how long its link has been down are for the moment of the choice.
 */
export function isChoosable(row: SentinelReplica): boolean {
  return row.flags.length === 1 && row.flags[0] === 'slave' && row.priority > 0;
}

/** Reads the answer of `SENTINEL SENTINELS name`. Ages in milliseconds. `runId` is the peer's myid from 3.2 on. */
export function parseSentinelSentinels(resp: Resp): SentinelPeer[] {
  return rowsOf(resp).map((row) => ({
    address: addressOf(row),
    runId: row.get('runid') ?? '',
    flags: flagsOf(row),
    lastHelloAgoMs: numberField(row, 'last-hello-message'),
    lastOkPingAgoMs: numberField(row, 'last-ok-ping-reply'),
  }));
}

function rowsOf(resp: Resp): Fields[] {
  return listOf(resp).map(pairs);
}

function listOf(resp: Resp): readonly Resp[] {
  if (resp === null) throw new Error('the answer is nil');
  if (typeof resp === 'string') throw new Error(`the answer is no list but "${resp.slice(0, 80)}"`);
  if ('error' in resp) throw new Error(resp.error);
  return resp;
}

function addressOf(row: Fields): string {
  return `${row.get('ip') ?? ''}:${row.get('port') ?? ''}`;
}

function flagsOf(row: Fields): string[] {
  return (row.get('flags') ?? '').split(',').filter((flag) => flag !== '');
}

/**
 * The INFO that a sentinel kept of the master, the first row of `SENTINEL INFO-CACHE name` (sentinel.c:sentinelCommand): its age in
 * milliseconds and the text. Undefined when it has none.
 */
export function parseInfoCache(resp: Resp): { readonly agoMs: number; readonly info: string } | undefined {
  const [, rows = []] = listOf(resp);
  const [first] = listOf(rows);
  const [age, info] = first === undefined ? [] : listOf(first);
  return typeof age === 'string' && typeof info === 'string' ? { agoMs: Number(age), info } : undefined;
}
