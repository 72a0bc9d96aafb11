import type { Consent } from '../model/diagnosis.js';
import type { RestoredBackup } from '../model/plan.js';
import { printable } from './escape.js';
import { paint, wrap } from './layout.js';
import { age, dateAndTime, grouped, listed, size } from './quantities.js';

/** What a restore is about, before anything is touched. */
export interface RestoreFacts {
  readonly backup: RestoredBackup;
  /** The node that the data came from. */
  readonly from: string;
  readonly signer: string;
  readonly drilledAt: string | undefined;
  readonly notDrilledWhy: string | undefined;
  readonly remarks: readonly string[];
  readonly fleet: string;
  readonly group: string;
  readonly master: string;
  /** What the freshest node of the group holds now; undefined when it holds nothing or was not counted. */
  readonly keysNow: bigint | undefined;
  readonly asides: readonly Consent[];
}

export interface RestoreLooks {
  readonly width: number;
  readonly colour: boolean;
  readonly nowMs: number;
  readonly utcOffsetMinutes: number;
}

/** What a restore brings and what it sets aside: how old the backup is, its keys against those of now, what proves it. */
export function renderRestore(facts: RestoreFacts, looks: RestoreLooks): string {
  const { backup } = facts;
  const old = age(Math.max(0, looks.nowMs - Date.parse(backup.takenAt)));
  const truth = `Backup ${backup.id} is ${old} old. ${printable(facts.group)} of ${printable(facts.fleet)} would serve its data; ${aftermath(facts)} Nothing was changed yet.`;
  const rows: readonly (readonly [string, string])[] = [
    ['backup', backupRow(facts, looks)],
    ['proved', proofRow(facts)],
    ['now', nowRow(facts)],
    ['master', `${printable(facts.master)} loads it; the others copy it from there, one by one, from nothing`],
    ...facts.asides.map(({ why }) => ['set aside', printable(why)] as const),
    ...facts.remarks.map((text) => ['remark', printable(text)] as const),
  ];
  const lines = [
    ...wrap(truth, looks.width).map((line) => paint('verdict', line, looks.colour)),
    '',
    ...rows.flatMap(([label, text]) => wrap(text, looks.width, `  ${label.padEnd(11)}`, ' '.repeat(13))),
  ];
  return `${lines.join('\n')}\n`;
}

function aftermath({ asides }: RestoreFacts): string {
  if (asides.length === 0) return 'the group holds no data, so nothing is set aside.';
  return `everything that was written since is set aside: kept on its hosts and here, and not served.`;
}

function keysOf({ databases }: RestoredBackup): bigint | undefined {
  return databases?.reduce((sum, { keys }) => sum + keys, 0n);
}

function backupRow({ backup, from }: RestoreFacts, { utcOffsetMinutes }: RestoreLooks): string {
  const keys = keysOf(backup);
  const counted = keys === undefined ? 'keys not counted' : `${grouped(keys)} keys`;
  const taken = dateAndTime(Date.parse(backup.takenAt), utcOffsetMinutes);
  return `${backup.kind} of ${printable(from)}, ${taken}, ${size(backup.sizeBytes)}, ${counted}`;
}

function proofRow({ signer, drilledAt, notDrilledWhy }: RestoreFacts): string {
  const loaded =
    drilledAt === undefined
      ? `NOT LOADED by any server yet (${printable(notDrilledWhy ?? 'not tried')})`
      : `a server loaded it on ${drilledAt.slice(0, 19).replace('T', ' ')} UTC`;
  return `every byte as stored, signed by ${printable(signer)}; ${loaded}`;
}

function nowRow({ keysNow, backup, asides }: RestoreFacts): string {
  if (asides.length === 0) return 'the group holds no data';
  if (keysNow === undefined) return 'what the group holds was not counted';
  const then = keysOf(backup);
  const names = listed(asides.map(({ node }) => printable(node)));
  if (then === undefined) return `${grouped(keysNow)} keys on ${names}`;
  const more = keysNow >= then ? `${grouped(keysNow - then)} more` : `${grouped(then - keysNow)} fewer`;
  return `${grouped(keysNow)} keys on ${names}: ${more} than the backup`;
}
