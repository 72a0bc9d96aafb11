import { linesOfArgv } from '../redis/command-line.js';
import type { ConfigText } from './config-text.js';
import type { StartText } from './starts/problem.js';
import type { Target } from './target.js';
import type { SecretFacts } from './view.js';

const token = /([><#!]?)\{secret:([0-9a-f]{16})\}/g;

/**
 * What a node is started with, as `startProblems` takes it. The texts come without secrets; a comment or a placeholder
 * that stood where a password belongs is put back as one that says nothing, so that it is recognised.
 */
export function startTextOf(
  texts: readonly ConfigText[],
  argv: readonly string[],
  target: Target,
  secrets: ReadonlyMap<string, SecretFacts>,
): StartText {
  const files = texts.map(({ file, text }) => ({ file, text: text.replace(token, putBack) }));
  const options = linesOfArgv(argv, target.compatible).filter(
    ({ args, name }) => name !== 'sentinel' || args.length > 0,
  );
  const text = options.map(({ raw }) => raw).join('\n');
  return options.length === 0 ? { files } : { files, commandLine: { file: '(command line)', text } };

  function putBack(whole: string, prefix: string, hash: string): string {
    const looks = secrets.get(hash)?.looks;
    if (looks === undefined) return whole;
    if (prefix === '#' || prefix === '!') return looks === 'hash' ? whole : `${prefix}not-a-hash`;
    if (looks === 'comment') return `${prefix}//`;
    return looks === 'placeholder' ? `${prefix}<placeholder>` : whole;
  }
}
