import { memoryBytes } from '../redis/effective.js';
import { hashOfWord } from '../redis/secrets.js';
import { addressOf } from '../redis/sentinel-conf.js';
import { lowerAscii } from '../redis/tokenise.js';
import type { Spot } from './rule.js';
import type { NodeAt, SentinelConf, SentinelLine, Setting } from './view.js';

/** How rules read a directive that was seen. `preset` is what counts when no line names it. */
export function wordOf(setting: Setting, preset: string): string {
  return setting.words[0] ?? preset;
}

/** `yes` or `no` in any case; anything else is not yes. */
export function isYes(setting: Setting, preset: boolean): boolean {
  return setting.line === undefined ? preset : lowerAscii(setting.words[0] ?? '') === 'yes';
}

/** A whole number; NaN for a text that is none. */
export function numberOf(setting: Setting, preset: number): number {
  const word = setting.words[0];
  if (word === undefined) return preset;
  return /^-?\d+$/.test(word) ? Number(word) : Number.NaN;
}

/** A size as Redis reads it (`2gb`); 0 for a text that Redis would refuse. */
export function bytesOf(setting: Setting, preset: bigint): bigint {
  return setting.words[0] === undefined ? preset : memoryBytes(setting.words[0]);
}

/** Keyed hash of the password that a directive sets; undefined when it sets none (`""` is none). */
export function passwordHash(setting: Setting): string | undefined {
  return hashOfWord(setting.words[0] ?? '');
}

/** Where a setting stands: its line, or its node's main file when no line says it. */
export function spotOf(setting: { readonly node: NodeAt; readonly line: Setting['line'] }): Spot {
  return { node: setting.node, line: setting.line };
}

/** `sentinel monitor NAME HOST PORT QUORUM`, taken apart. */
export interface Monitor {
  readonly node: NodeAt;
  readonly line: SentinelLine['line'];
  readonly group: string;
  /** `host:port` */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** As written; NaN when it is no number. */
  readonly quorum: number;
}

/** Every master that a sentinel.conf monitors, in its order. */
export function monitorsOf(conf: SentinelConf): readonly Monitor[] {
  return conf.statements.flatMap(({ sub, group, words, line }) => {
    if (sub !== 'monitor' || group === undefined) return [];
    const [host = '', port = '', quorum = ''] = words;
    const address = addressOf(host, port);
    return [{ node: conf.node, line, group, address, host, port: Number(port), quorum: Number(quorum || Number.NaN) }];
  });
}

/** The last `sentinel SUB GROUP …` line of a group, in either spelling of `sub` that is given; as a setting. */
export function optionOf(conf: SentinelConf, group: string, ...subs: readonly string[]): Setting {
  const last = conf.statements.findLast((one) => one.group === group && subs.includes(one.sub));
  return { node: conf.node, name: `sentinel ${subs[0] ?? ''}`, line: last?.line, words: last?.words ?? [] };
}

/** The last `sentinel SUB …` line that is about the sentinel itself (`myid`, `announce-ip`), as a setting. */
export function ownOptionOf(conf: SentinelConf, sub: string): Setting {
  const last = conf.statements.findLast((one) => one.group === undefined && one.sub === sub);
  return { node: conf.node, name: `sentinel ${sub}`, line: last?.line, words: last?.words ?? [] };
}

/** Whether an address is this machine only. */
export function isLoopback(address: string): boolean {
  return /^(?:127\.|localhost$|::1$|\[::1\]$)/i.test(address);
}

/** Whether a bind address means every interface. */
export function isWildcard(address: string): boolean {
  return ['*', '0.0.0.0', '::', '[::]'].includes(address.replace(/^-/, ''));
}
