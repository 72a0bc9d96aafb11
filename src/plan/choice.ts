import { runningWinner } from '../diagnosis/choose-path.js';
import { RunbookError } from '../errors.js';
import type { Candidate, Consent, Diagnosis, Path, Relation } from '../model/diagnosis.js';
import { gone, refuseBlocked, refuseNeedless } from './blocking.js';
import { freshestFirst } from './gentler.js';
import { type LeftOutNode, leftOutFor } from './too-old.js';

/** What the operator said on the command line or at a prompt. */
export interface Choice {
  readonly path?: Path;
  readonly promote?: string;
  readonly setAside: readonly string[];
  readonly acceptLoss?: string;
  readonly without: readonly string[];
  readonly hostIsOff: readonly string[];
  readonly reason?: string;
}

export const noChoice: Choice = { setAside: [], without: [], hostIsOff: [] };

/** Who becomes master, what that gives up, and which of it was not accepted yet. */
export interface Decision {
  readonly master: string;
  /** Hosts that could not be looked at and that the operator named as left out, or as off. */
  readonly givenUp?: readonly string[];
  readonly setAside: readonly string[];
  /** A running node that is ahead of the master: the master has all of it before it is promoted. */
  readonly catchUpFrom?: string;
  /** Nodes that could not copy from the master and were set aside by name: they stay held, and what each needs. */
  readonly leftOut?: readonly LeftOutNode[];
  readonly acceptedLoss?: string;
  /** Hosts of which the operator says that they have no power or no network. */
  readonly hostIsOff?: readonly string[];
  readonly reason?: string;
  /** Consents that the decision needs and `choice` does not give; empty = it may be carried out. */
  readonly missing: readonly Consent[];
  /** A node that is to be master before `master`, by another run: then nothing that is missing here need be set aside. */
  readonly gentler?: string;
}

/**
 * From the diagnosis and the operator's words to a decision. Throws RunbookError where no words could make it safe
 * (an empty node as master, a blocking finding, no candidate at all). Nothing is ever implied by `--yes`. `path`: what a
 * path does not touch needs no consent and blocks nothing.
 */
export function decide(diagnosis: Diagnosis, choice: Choice, path: Path = 'cold'): Decision {
  refuseNeedless(diagnosis, choice);
  refuseBlocked(diagnosis, choice, path);
  if (path === 'sentinels-only') return keepServing(diagnosis, choice);
  const runs = path === 'live' || path === 'failover';
  const master = choice.promote ?? (runs ? runningWinner(diagnosis) : undefined) ?? masterOf(diagnosis, choice);
  const candidate = diagnosis.candidates.find((item) => item.node === master);
  if (!candidate) throw unknownNode(diagnosis, master);
  refuseEmpty(diagnosis, candidate);
  const leftOut = leftOutFor(candidate, choice);
  const ahead = path === 'live' ? aheadOf(diagnosis, candidate) : undefined;
  const asides = asidesOf(diagnosis, candidate, choice).filter(({ node }) => !bringsAll(diagnosis, ahead, node));
  const wanted = [...asides, ...lossesOf(diagnosis, master), ...shrunkBeside(diagnosis, candidate)];
  const missing = wanted.filter((consent) => !isGiven(consent, choice));
  const accepts = wanted.length > 0 || gone(choice).length > 0 || leftOut.length > 0;
  if (accepts && missing.length === 0 && !choice.reason)
    throw new RunbookError('usage', 'A loss is accepted only with a reason; it goes into the report.', {
      next: ['add --reason "..."'],
    });
  const givenUp = [...choice.without, ...choice.hostIsOff];
  const gentler = path === 'cold' ? freshestFirst(diagnosis, candidate, missing) : undefined;
  return {
    master,
    ...(gentler === undefined ? {} : { gentler }),
    ...(givenUp.length > 0 ? { givenUp } : {}),
    setAside: wanted.flatMap((consent) => (consent.kind === 'set-aside' ? [consent.node] : [])),
    ...(leftOut.length > 0 ? { leftOut } : {}),
    ...(ahead === undefined ? {} : { catchUpFrom: ahead }),
    ...(choice.hostIsOff.length > 0 ? { hostIsOff: choice.hostIsOff } : {}),
    ...(wanted.some((consent) => consent.kind !== 'set-aside') ? { acceptedLoss: master } : {}),
    ...(choice.reason === undefined ? {} : { reason: choice.reason }),
    missing,
  };
}

/** Redis is left as it is: nothing of any node can be given up, and nothing may be asked to be. */
function keepServing({ serving }: Diagnosis, choice: Choice): Decision {
  const gives = [
    ...(choice.promote !== undefined && choice.promote !== serving ? [`--promote ${choice.promote}`] : []),
    ...(choice.setAside.length > 0 ? ['--set-aside'] : []),
    ...(choice.acceptLoss === undefined ? [] : ['--accept-loss']),
  ];
  if (serving === undefined || gives.length > 0)
    throw new RunbookError(
      'unsafe-path',
      serving === undefined
        ? 'No node serves as master, so there is nothing that the sentinels could agree on.'
        : `The path sentinels-only keeps ${serving} as master and touches no data; it cannot do ${gives.join(', ')}.`,
      { next: ['leave that out, or take a path that changes roles: --path live or --path cold'] },
    );
  return {
    master: serving,
    setAside: [],
    missing: [],
    ...(gone(choice).length > 0 ? { givenUp: gone(choice) } : {}),
    ...(choice.hostIsOff.length > 0 ? { hostIsOff: choice.hostIsOff } : {}),
    ...(choice.reason ? { reason: choice.reason } : {}),
  };
}

function masterOf(diagnosis: Diagnosis, choice: Choice): string {
  const master = choice.promote ?? diagnosis.winner;
  if (master !== undefined) return master;
  const forked = diagnosis.candidates.some((candidate) => candidate.verdict === 'split-off');
  const favourite = diagnosis.candidates[0];
  const others = diagnosis.consents.flatMap((consent) => (consent.kind === 'set-aside' ? [consent.node] : []));
  const aside = others.length > 0 ? ` --set-aside ${others.join(',')} --reason "..."` : '';
  throw new RunbookError(
    forked ? 'split' : 'incomparable',
    forked
      ? 'The data has split, and --yes never accepts a loss.'
      : 'The nodes cannot be compared: no node is proved to hold the last write.',
    {
      facts:
        diagnosis.consents.length > 0
          ? diagnosis.consents.map((consent) => `${consent.node}: ${consent.why}`)
          : diagnosis.claims.flatMap(({ says, standing }) => (standing === 'unknown' ? [says] : [])),
      next: ['redis-runbook status --why', `redis-runbook recover --promote ${favourite?.node ?? 'NODE'}${aside}`],
    },
  );
}

function unknownNode(diagnosis: Diagnosis, node: string): RunbookError {
  return new RunbookError('usage', `${node} is no redis node of ${diagnosis.group}.`, {
    next: [`--promote takes one of ${diagnosis.candidates.map((item) => item.node).join(', ')}`],
  });
}

/**
 * Running nodes without a key hold no more than an empty master does. One that could still copy is refused as well: a
 * replica that was emptied by its own hands stands at the offset of its master, and has nothing left to copy.
 */
function refuseEmpty(diagnosis: Diagnosis, candidate: Candidate): void {
  const others = diagnosis.candidates.filter(
    (item) =>
      item.verdict !== 'empty' && item !== candidate && !(item.source === 'running' && item.wouldLoadKeys === 0n),
  );
  if (candidate.source === 'unknown')
    throw new RunbookError(
      'blocked',
      `${candidate.node} cannot become master: ${candidate.speaksAgainst[0] ?? 'its data is not known'}.`,
      {
        next: ['redis-runbook status --why'],
      },
    );
  if (!isEmpty(candidate) || others.length === 0) return;
  throw new RunbookError('empty-master', `${candidate.node} would start empty while ${others[0]?.node} holds data.`, {
    facts: ['Every other node would throw its data away and copy the empty one.'],
    next: ['redis-runbook status --why'],
  });
}

function isEmpty(candidate: Candidate): boolean {
  return candidate.source === 'nothing' || candidate.wouldLoadKeys === 0n;
}

/**
 * A running node that has all of the running candidate and more: nothing of it need be given up, because the candidate can
 * copy from it before it is promoted. A node that serves as master is one even while both look equal.
 */
function aheadOf({ candidates, serving, winner }: Diagnosis, candidate: Candidate): string | undefined {
  const node = serving ?? winner;
  if (node === undefined || node === candidate.node || candidate.source !== 'running') return undefined;
  const runs = candidates.some((each) => each.node === node && each.source === 'running');
  const relation = candidate.versus[node]?.kind;
  return runs && (relation === 'contained' || relation === 'equal') ? node : undefined;
}

/** Whether the master has all of a node by the time that it is promoted: of the one that it catches up from, and of all that this one holds. */
function bringsAll({ candidates }: Diagnosis, ahead: string | undefined, node: string): boolean {
  if (ahead === undefined || node === ahead) return ahead !== undefined;
  const relation = candidates.find((each) => each.node === ahead)?.versus[node]?.kind;
  return relation === 'contains' || relation === 'equal';
}

/** Everything that the chosen master lacks of another node: only the operator may give that up, node by node. */
function asidesOf(diagnosis: Diagnosis, candidate: Candidate, choice: Choice): readonly Consent[] {
  return Object.entries(candidate.versus).flatMap(([node, relation]): Consent[] => {
    if (!givesUp(relation, diagnosis, node) || isLeftOut(node, diagnosis, choice)) return [];
    const bytes =
      relation.kind === 'forked' && relation.otherEndUnknown !== true
        ? relation.otherBytes
        : relation.kind === 'contained'
          ? relation.lagBytes
          : undefined;
    return [{ kind: 'set-aside', node, why: relation.why, ...(bytes === undefined ? {} : { ownBytes: bytes }) }];
  });
}

/** Its host was not reached and is given up by name: the reason for that covers its data. */
function isLeftOut(node: string, diagnosis: Diagnosis, choice: Choice): boolean {
  const host = node.replace(/:\d+$/, '');
  return (
    gone(choice).includes(host) &&
    diagnosis.findings.some((finding) => finding.id === 'redis-host-unreachable' && finding.nodes.includes(host))
  );
}

function givesUp(relation: Relation, diagnosis: Diagnosis, node: string): boolean {
  if (relation.kind === 'forked' || relation.kind === 'contained' || relation.kind === 'incomparable') return true;
  return relation.kind === 'possible-tail' && node === diagnosis.winner;
}

function lossesOf(diagnosis: Diagnosis, master: string): readonly Consent[] {
  return diagnosis.consents
    .filter((consent) => consent.kind === 'accept-loss' || (consent.kind === 'shrunk' && consent.node === master))
    .map((consent) => ({ ...consent, node: master }));
}

/**
 * One that runs at the offset of another, or beyond it, has the same history and must hold about as many keys: with less than
 * half it was emptied by its own hands, which no offset counts (seen on 7.0.15). The winner was judged so already.
 */
function shrunkBeside({ candidates, winner }: Diagnosis, { node, source, wouldLoadKeys: keys, versus }: Candidate) {
  if (node === winner || source !== 'running' || keys === undefined) return [];
  const larger = candidates.find(
    (other) =>
      (versus[other.node]?.kind === 'equal' || versus[other.node]?.kind === 'contains') &&
      other.wouldLoadKeys !== undefined &&
      other.wouldLoadKeys > keys * 2n,
  );
  if (larger === undefined) return [];
  const why = `${node} holds ${keys} keys; ${larger.node}, which is no further by its offset, holds ${larger.wouldLoadKeys}`;
  return [{ kind: 'shrunk', node, why } as const];
}

function isGiven(consent: Consent, choice: Choice): boolean {
  return consent.kind === 'set-aside' ? choice.setAside.includes(consent.node) : choice.acceptLoss === consent.node;
}
