import { lowerAscii } from '../../redis/tokenise.js';
import { printTarget, type Target } from '../target.js';
import { versionsWith } from './known.js';
import type { StartLine } from './lines.js';
import { maybeSecret } from './nearest-form.js';
import { statements, versionsWithStatement } from './sentinel-lines.js';

const messages: Readonly<Record<string, string>> = {
  'inline-comment': 'has a comment behind its value, and a comment needs a line of its own',
  'unknown-directive': 'is no directive of any version',
  'wrong-argument-count': 'has the wrong number of arguments',
  'invalid-value': 'has a value that is not legal',
  'unbalanced-quotes': 'has a quote that does not end, or text right behind a closing quote',
  'bad-file-encoding': 'holds characters that an editor left behind',
  'placeholder-value': 'holds a placeholder that was never filled in',
  'filename-is-path': 'takes a file name, not a path: the directory stands in dir',
  'listen-nowhere': 'is 0, and nothing else is listened on',
  'tls-incomplete': 'needs tls-cert-file, tls-key-file and tls-ca-cert-file or tls-ca-cert-dir',
  'acl-file-and-inline-users': 'stands beside aclfile, and users belong in one of the two',
  'acl-rule-invalid': 'has a rule that is not legal',
  'bind-address-not-on-host': 'names something that is no address',
  'sentinel-line-in-redis-conf': 'belongs in the file of a sentinel',
  'replicaof-in-cluster-mode': 'cannot stand beside cluster-enabled yes',
  'rename-command-unknown': 'names a command that is not there, or a new name that is taken',
  'sentinel-unknown-master-name': 'names a master that no sentinel monitor line names',
  'sentinel-monitor-not-first': 'stands before the sentinel monitor line of its master',
  'sentinel-duplicate-master': 'names a master that is monitored already',
  'sentinel-hostname-needs-resolve': 'needs a numeric address, or sentinel resolve-hostnames yes (6.2 and later)',
  'sentinel-quorum-invalid': 'needs a quorum of 1 or more',
  'sentinel-time-not-positive': 'needs a time of 1 millisecond or more',
  'sentinel-duplicate-known-entry': 'says again what an earlier line says',
  'sentinel-myid-malformed': 'needs an id of 40 characters',
};

/** What is wrong with a line. Names no argument: the line may hold a secret. */
export function messageOf(rule: string, line: StartLine, target: Target): string {
  const known = !maybeSecret([line.name], target) || /^[a-z][a-z0-9_.-]{1,40}$/.test(line.name);
  const sub = lowerAscii(line.words?.[1]?.text ?? '');
  const name = line.name === 'sentinel' && Object.hasOwn(statements, sub) ? `sentinel ${sub}` : line.name;
  const subject = line.words === null || !known ? 'This line' : name;
  if (rule.endsWith('directive-not-in-version')) {
    const versions = rule.startsWith('sentinel-') ? versionsWithStatement(sub) : versionsWith(line.name);
    return `${subject} is not in ${printTarget(target)}, only in ${versions}`;
  }
  return `${subject} ${messages[rule] ?? 'is refused'}`;
}
