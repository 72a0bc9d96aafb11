import type { RunbookError } from '../errors.js';
import type { RedisReader, WritableHost } from '../hosts/host.js';
import type { ProcessIdentity } from '../hosts/process-identity.js';
import type { Inventory, Passwords } from '../model/inventory.js';
import type { Action, ActionKind, ActionOf, Condition, Gate, Plan, Stage } from '../model/plan.js';
import type { RunEvent } from '../model/run.js';
import type { Credentials } from '../redis/credentials.js';
import type { CopiedFile } from './copied-file.js';
import type { Handover, HandoverAsked } from './handover.js';
import type { HeldBefore } from './held-before.js';
import type { Journal } from './journal.js';
import type { HeldLock } from './lock.js';
import type { Resumption } from './resumption.js';

/** What a run works with. Built by the composition root; the engine closes none of it. */
export interface Tools {
  /** By host name, every host that the plan touches. */
  readonly hosts: ReadonlyMap<string, WritableHost>;
  readonly inventory: Inventory;
  /** Passwords that fleet.yaml gives; a node without one uses what its own config file says at that moment. */
  readonly passwords: Passwords;
  readonly journal: Journal;
  /** The run's directory on the operator's machine. */
  readonly directory: string;
  /** Four letters. */
  readonly run: string;
  /** `user@machine` of the operator, as locks show it. */
  readonly who: string;
  /** This process, as locks name it. */
  readonly identity?: ProcessIdentity;
  readonly now: () => Date;
  /** There when the plan brings a backup back. */
  readonly backup?: BackupSource;
}

/** The bytes of a backup that was verified; the host that gets them hashes them again. */
export interface BackupSource {
  read(stored: string, fromByte: bigint, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** `all` also answers the questions of this run that come later. */
export type GateAnswer = 'go' | 'all' | 'stop';

/** What `execute` asks and tells while it works. */
export interface ExecuteOptions {
  /** Asked before a stage that has a gate; `stages` are that stage and those after it up to the next gate. */
  readonly gate: (gate: Gate, stages: readonly Stage[]) => Promise<GateAnswer>;
  /** How a run that was cut off goes on; left out: it begins. */
  readonly resumption?: Resumption;
  /** Told of everything that happens. What it throws is ignored: a lost terminal stops nothing. */
  readonly onEvent: (event: RunEvent) => void;
  /** First Ctrl-C: no action is begun any more, the one under way is waited for. */
  readonly signal: AbortSignal;
  /** Second Ctrl-C: what is under way is left as unknown. */
  readonly now: AbortSignal;
  /** Asked before every action (`--step`). */
  readonly step?: (action: Action) => Promise<'go' | 'stop'>;
  /** Whether the run is to be handed over to somebody; left out: it cannot be. */
  readonly handover?: Handover;
}

/** Data that `data.check` found in a node's files: what the node holds once it has loaded them. */
export interface CheckedData {
  readonly keys: bigint;
  /** How many of `keys` carry a time to live and may be gone by the time they are loaded. */
  readonly expires: bigint;
}

/** What a node held when this run stopped it: what its files must give, as long as they are those that it left. */
export interface HeldAtStop extends CheckedData {
  /** `filesNow` of its data files right after the stop. */
  readonly files: string;
}

/** Keeps `CLIENT PAUSE … WRITE` alive on one node. */
export interface FenceKeeper {
  readonly node: string;
  /** ISO 8601 UTC, when the first pause was answered. */
  readonly since: string;
  /** Why the fence may have been open for a while; undefined while every renewal was answered. */
  gap(): string | undefined;
  /** Ends the renewing; with `lift` also ends the pause at once. Says how the fence ended. */
  end(lift: boolean): Promise<string>;
}

/** What the actions of one run remember for each other; nothing of it is needed by a later run. */
export interface Memory {
  readonly locks: Map<string, HeldLock>;
  /** The locked hosts as this run may change them: nothing is done there any more once the token is gone. */
  readonly claimed: Map<string, WritableHost>;
  /** Host → when its lock was last known to be this run's, milliseconds of the wall clock, which goes on while a machine sleeps. */
  readonly renewedAtMs: Map<string, number>;
  /** The signs of life that are under way: a lock goes only when none is, or it would be written once more. */
  beating?: Promise<void>;
  /** The copies of the record that are under way: a lock goes only when none is, they are written under its token. Never rejects. */
  copying?: Promise<void>;
  /** Why this run is not its own any more: somebody took it over, or its lock could not be kept. */
  lost?: RunbookError;
  /** Its locks name somebody who is to go on with it: written there by whoever asks for that from another machine. */
  handover?: HandoverAsked;
  readonly fences: Map<string, FenceKeeper>;
  /** Hosts that have copies of the run's record → sha256 of what each file was there when it was written last. */
  readonly copies: Map<string, Map<CopiedFile, string>>;
  /** Hosts that were said to have no new copy. */
  readonly notCopied: Set<string>;
  readonly checked: Map<string, CheckedData>;
  /** Hosts that were lost on the way and that the run goes on without, and why. */
  readonly gone: Map<string, string>;
  /** By node, where this run stopped it and saw what it left. */
  readonly stopped: Map<string, HeldAtStop>;
  /** By node, what it held when this run asked it to save and to stop; also where nobody saw yet what it left. */
  readonly leaving: Map<string, HeldBefore>;
  /** By sentinel, the `down-after-milliseconds` that it had before this run raised it and was cut off. */
  readonly raised: Map<string, number>;
  /** Connections that only look, kept between questions to the same node. */
  readonly readers: Map<string, RedisReader>;
  /** With what the nodes let us in; read again when one does not take it. */
  readonly credentials: Map<string, Promise<Credentials | undefined>>;
  /** Who became master, where Sentinel chose: known once `failed-over` was seen. */
  elected?: string;
  /** The one epoch that all sentinel files of this run get; resolved when the first of them is rewritten. */
  epoch?: Promise<bigint>;
  /** The operator answered all questions of this run at once. */
  answeredAll?: boolean;
}

/** What it takes to reach the nodes of a fleet and to ask them: a part of every `At`, and all that a backup needs. */
export interface Reach {
  readonly tools: Pick<Tools, 'hosts' | 'inventory' | 'passwords'>;
  readonly memory: Pick<Memory, 'readers' | 'credentials'> & Partial<Pick<Memory, 'claimed'>>;
  readonly signal: AbortSignal;
}

/** Where an action or a condition works. */
export interface At {
  readonly tools: Tools;
  readonly plan: Plan;
  readonly memory: Memory;
  /** Ends when the operator wants to leave what is under way as unknown. */
  readonly signal: AbortSignal;
  /** How long this action may take, milliseconds, where the plan's conditions say so. */
  readonly limitMs?: number;
  /** Writes a line of evidence to the journal. No secret may be in it. */
  evidence(text: string, detail?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Tells those who watch the run. */
  note(text: string): void;
  /** Tells them what an action waits for: what was seen last, and how long of at most how long. */
  waiting(says: string, seen: string, elapsedMs: number, limitMs: number): void;
}

/** How an action stands before it is done: `other` = something is there that is neither the old nor the wanted state. */
export interface Looked {
  readonly state: 'done' | 'not-done' | 'other' | 'unknown';
  readonly says: string;
}

/** What an action did. */
export interface Acted {
  readonly says: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** What a finished action comes to when its run goes on after it was cut off. */
export type WhenFinished = 'look' | 'repeat' | 'skip';

/** How what an action did is taken back. */
export interface Inverse<K extends ActionKind> {
  /** For people. */
  readonly says: string;
  /** Reads only: `done` = it is as it was before the action. */
  look(action: ActionOf<K>, at: At, found: Found): Promise<Looked>;
  /** Takes it back. Throws as `act` does; RunbookError('writes-accepted') when that would lose writes. */
  act(action: ActionOf<K>, at: At, found: Found): Promise<Acted>;
  /** As in ActionModule. */
  readonly until?: readonly string[];
}

/** What a journal remembered of an action: the details of its evidence and of its result, and when it was begun. */
export type Found = Readonly<Record<string, unknown>>;

/** One kind of action: how it looks, what it does, how it is undone. */
export interface ActionModule<K extends ActionKind> {
  /** Reads only. */
  look(action: ActionOf<K>, at: At): Promise<Looked>;
  /** Does it. Throws `Unsure` when nobody knows whether it was done, anything else when it failed. */
  act(action: ActionOf<K>, at: At): Promise<Acted>;
  /** Whether the fleet differs afterwards; checks and locks change nothing that needs undoing. */
  readonly changes: boolean;
  /** How it is taken back, or why nothing is. */
  readonly undo: Inverse<K> | { readonly none: string };
  /** What it comes to in a run that goes on, where it had ended before; left out: its effect must still be there (`look`). */
  readonly whenFinished?: WhenFinished | ((found: Found) => WhenFinished);
  /** Kinds that end what this one left behind once they are begun on the same node: from then on it is passed over. */
  readonly until?: readonly string[];
}

/** What a look at a condition gave. */
export interface Sight {
  readonly holds: boolean;
  readonly seen: string;
}

/** One kind of condition. `see` never throws for what a node does or does not answer: that is what it saw. */
export interface ConditionModule<K extends Condition['kind']> {
  see(condition: Extract<Condition, { kind: K }>, at: At): Promise<Sight>;
  /** Why it does not come to hold by waiting, in words, as long as nobody does anything; asked every few seconds. May reject: nothing is known then. */
  hopeless?(condition: Extract<Condition, { kind: K }>, at: At): Promise<string | undefined>;
}

/** Nobody knows whether it was done: the connection was lost or the time was up while it was under way. */
export class Unsure extends Error {
  override readonly name = 'Unsure';
}
