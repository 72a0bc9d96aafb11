import { rulePage } from '../audit/pages.js';
import { allRules } from '../audit/rules/index.js';
import { errorWords, exitStatus, RunbookError } from '../errors.js';
import { nearest } from '../inventory/nearest.js';
import { steps } from '../plan/steps/index.js';
import { wrap } from '../report/layout.js';
import type { Context } from './context.js';
import type { ExplainFlags } from './flags.js';

/** `explain WORD`: error words, paths, steps and the terms of the screens, through one door. */
export async function explainCommand(flags: ExplainFlags, context: Context): Promise<number> {
  const word = flags.word.toLowerCase();
  const rule = allRules.find(({ id }) => id === word);
  if (rule !== undefined) {
    context.stdout(rulePage(rule));
    return exitStatus.done;
  }
  const texts = dictionary();
  const text = texts.get(word);
  if (text === undefined) {
    const near = nearest(word, [...texts.keys(), ...allRules.map(({ id }) => id)]);
    throw new RunbookError('usage', `There is nothing to explain about ${flags.word}.`, {
      next: [
        near === undefined
          ? `one of: ${[...texts.keys()].slice(0, 12).join(', ')}, ...`
          : `redis-runbook explain ${near}`,
      ],
    });
  }
  context.stdout(`${[word, ...wrap(text, context.columns, '  ', '  ')].join('\n')}\n`);
  return exitStatus.done;
}

function dictionary(): ReadonlyMap<string, string> {
  const stepTexts = steps.map((step): [string, string] => [step.name, `A step of a runbook: ${step.summary}.`]);
  const errors = Object.entries(errorTexts).map(([word, text]): [string, string] => [
    word,
    `${text} Exit status ${errorWords[word as keyof typeof errorWords]}.`,
  ]);
  return new Map([...stepTexts, ...Object.entries(terms), ...errors]);
}

const errorTexts: Readonly<Record<keyof typeof errorWords, string>> = {
  usage: 'The command line cannot be understood, or names something that is not there.',
  'fleet-file': 'fleet.yaml has mistakes; each is named with its line and column.',
  'no-fleet':
    'No fleet file was given with --fleet or in $REDIS_RUNBOOK_FLEET, and ./fleet.yaml does not exist; or no fleet was found on the HOST that was named instead.',
  'runbook-file': 'A runbook file is not well formed, or names a step that does not exist.',
  'plan-file': 'A file given to apply was not written by plan --out, or by a newer version.',
  'plan-tampered':
    'A file given to apply holds another plan than the runbook and the fleet give: somebody changed it. A plan is never carried out from its file; it is made anew and compared.',
  'survey-file': 'A file given with --survey was not written by status --save.',
  'policy-file': 'A policy file or a baseline of audit has mistakes, or cannot be read.',
  'no-terminal': 'A question would have to be asked and nobody can answer: stdin or stderr is no terminal.',
  unsupported: 'A machine runs its services in a way that this version cannot hold, stop or start.',
  lab: 'The lab could not do what was asked; nothing outside its directory was touched.',
  'redis-missing': 'No redis-server program was found on this machine.',
  repository:
    'The directory named as the backup repository cannot be used: it holds other things, others may write it, or a newer version made it.',
  'no-repository': 'There is no backup repository where one was named. The first backup makes it.',
  'no-backup': 'No backup of this id is in the repository, or it never finished.',
  split:
    'Two nodes each hold writes that the other lacks. Only the operator can say which are given up: --promote NODE --set-aside NODE --reason TEXT.',
  'on-no-disk':
    'Writes were in memory only when everything stopped. Nobody can bring them back; going on needs --accept-loss NODE --reason TEXT.',
  incomparable:
    'Nothing joins the histories of two nodes, so a bigger offset means nothing. Bring the logs back, or name what is given up.',
  'empty-master':
    'A node without data would become master while another one holds data. There are no words that accept this.',
  shrunk:
    'The freshest node holds less than half of what an older one holds: data may have been deleted on purpose or by accident.',
  blocked: 'A finding forbids every plan until it is dealt with; it is named with its next command.',
  'disk-full':
    'A file system has no room for what a recovery keeps and saves (seen before anything was stopped; nothing was changed), or for a backup, on the host of the node or where backups are kept: nothing of that backup is left, and the next one begins anew.',
  'unsafe-path':
    'The path that was asked for is not safe here, or cannot do what else was asked for. status --why says why, for each path.',
  'unknown-signer':
    'A backup was signed with a key that this machine does not know. Compare the fingerprint with its owner, then --accept-signer NAME.',
  'backup-failed':
    'A backup was not made: the snapshot failed on the node, or the node or its files changed meanwhile. What was copied so far is resumed by the next backup create, or removed after 24 h; it is never listed as good.',
  'bad-backup':
    'A backup is not what its manifest says, or the manifest is not what was signed. It is not restored; what is wrong is named.',
  'prune-refused':
    'Pruning would remove most of a group, or the clock or the schedule is not as it should be. Nothing was removed; backup prune shows each reason.',
  'writes-accepted':
    'A run cannot be undone any more: the master that it started has accepted writes, or may have, and going back would lose them. resume goes on to its end.',
  'clean-refused':
    'What a run kept may still be needed: it is unfinished, a host is not back, or what only kept files hold was not compared. Each is named with the command that ends it.',
  'bad-journal':
    'The record of a run is not what the run wrote: a line was changed or is missing, two copies differ, or a newer version wrote it. It is shown as far as it goes, and nothing is done by it.',
  unreachable: 'A host could not be reached. Unreachable is not down.',
  'host-key':
    'The key that a host showed is not the one in the known-hosts files: not there (nobody could be asked), another one, or a revoked one. Nothing was sent to it.',
  login: 'A host was reached and its key is right, but it accepted none of the keys or passwords.',
  auth: 'A password was refused. It was tried once.',
  sudo: 'A host does not give the right that is needed: no sudo, no sudoers line, or a password that was not accepted. On a terminal another one is asked for once; nothing is tried more often. Without a terminal sudo-password in fleet.yaml says where the password comes from.',
  'too-little-seen': 'A host that may hold data could not be seen.',
  changed: 'The fleet is not as it was when the plan was made.',
  locked:
    'Another run holds the lock of the fleet, or this one lost it: somebody took it over, and its hosts refuse every further command of it.',
  stopped: 'Stopped at a question or by Ctrl-C; nothing was changed, or everything was undone.',
  incomplete: 'Stopped half way. Every file is kept; resume goes on from what is true, undo goes back.',
  unknown: 'Nobody knows how the last action ended. Look before anything else.',
};

const terms: Readonly<Record<string, string>> = {
  fleet: 'What fleet.yaml declares: hosts, the redis and sentinel nodes on them, how to reach them.',
  group: 'One monitored master name with its redis nodes and its sentinels.',
  survey: 'Everything seen at one moment, read-only. "Did not answer" is part of it.',
  evidence:
    'A reading that speaks for or against the freshness of a node, with its source. One witness makes a claim, two make a proof.',
  lineage:
    'The graph of replication histories: whose data contains whose, where two forked, where a crashed master may have a tail.',
  'possible-tail':
    'A master that crashed may have accepted a few last writes that no replica got; where it ended was recorded by nobody.',
  kept: 'A verified copy exists.',
  held: 'Cannot start by itself.',
  'set-aside': 'Kept, but not served.',
  lost: 'Nobody has it any more. Said only when it is true.',
  doctor:
    'The command for a quiet day: it tries on every host what a recovery will need, and changes nothing. Exit 0 all good, 1 problems, 4 something could not be seen.',
  sudoers:
    'The line that sudo needs on a host, printed by doctor --sudoers. It is root: sudo sees a shell and not what it is told.',
  hold: 'What keeps a node from starting by itself while a run works: a file that its service manager or this tool respects. It outlives a power cut unless its place is read-only or in memory; doctor says so.',
  forwarding:
    'How Redis is reached through the SSH connection of its host: sshd opens the port. AllowTcpForwarding and PermitOpen in sshd_config decide.',
  pidfile:
    'The file in which a server writes its process id. It is believed only of a server of the right user that tells neither an address nor a config itself; anything else that it names is left alone.',
  'left-out':
    'A host that a run went on without: out of reach, and given up with --without HOST --reason, or lost on the way. The other hosts remember it in left-out.json of their state directory; status says so, and ends with 10, until it was rejoined.',
  rejoin:
    'The command that brings a host back which a run left out: held first, its files compared with the master that serves, kept, rewritten, started as a replica, proved. Writes that only it holds stop it, until they are set aside by name.',
  nothing: 'The path for a fleet that is healthy, or that Sentinel is repairing by itself.',
  failover:
    'The path of one Sentinel command, without an election: the master is dead, every sentinel answers and agrees or is proved not to run, and any replica that it may choose is the freshest.',
  'sentinels-only':
    'The path for a sound Redis whose sentinels disagree, are stale, stuck, clones or too few: all of them are stopped, their files rewritten, all started; Redis is never touched.',
  live: 'The path for a freshest node that runs: roles change by command and in the files at once, no running Redis is restarted; missing nodes come back as replicas.',
  cold: 'The path when nothing runs: hold, keep, stop, rewrite, check, start in order, prove.',
};
