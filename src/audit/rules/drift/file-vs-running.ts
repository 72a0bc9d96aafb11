import type { Seen } from '../../../model/seen.js';
import { memoryBytes } from '../../../redis/effective.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { RedisNode, Setting } from '../../view.js';

/** How two values of a directive are compared. */
type Form = 'text' | 'size' | 'path';

/**
 * Directives whose value in the process is asked for, with what counts where no line says it (left out: not compared
 * then). Roles, passwords and appendonly have rules of their own; of `dir` the process tells where the links lead.
 */
const compared: Readonly<Record<string, { readonly form: Form; readonly preset?: string }>> = {
  dbfilename: { form: 'text', preset: 'dump.rdb' },
  appendfilename: { form: 'text', preset: 'appendonly.aof' },
  maxmemory: { form: 'size', preset: '0' },
  'maxmemory-policy': { form: 'text' },
  'replica-read-only': { form: 'text', preset: 'yes' },
  'replica-priority': { form: 'text', preset: '100' },
  'min-replicas-to-write': { form: 'text', preset: '0' },
  'stop-writes-on-bgsave-error': { form: 'text', preset: 'yes' },
  appendfsync: { form: 'text', preset: 'everysec' },
  loglevel: { form: 'text' },
  logfile: { form: 'path' },
};

interface Both {
  readonly setting: Setting;
  readonly file: string | undefined;
  readonly now: string;
}

export const fileVsRunning = defineRule({
  id: 'file-vs-running',
  class: 'drift',
  severity: 'warning',
  scope: 'redis',
  title: 'the process runs with other settings than its file',
  rationale:
    'Somebody changed the file and did not restart, or changed the process and did not write it down. Whichever of the two is meant, the next restart decides for the file.',
  source: 'config.c:configSetCommand changes no file; config.c:configRewriteCommand',
  fix: 'CONFIG REWRITE where the process is right, CONFIG SET where the file is.',
  fixtures: {
    fails: 'test/audit/fixtures/file-vs-running/fails',
    nearMiss: 'test/audit/fixtures/file-vs-running/near-miss',
  },
  needs: (node) => ({ both: each(allOf(node), 'settings of a running node') }),
  check: ({ both }) =>
    both
      .filter(({ file, now }) => file !== undefined && file !== now)
      .map(({ setting, file, now }) => ({
        message: `${setting.name} is ${shown(file)} in the file and ${shown(now)} in the process`,
        at: spotOf(setting),
      })),
});

/** Of a node that answered nothing, one reading says why. */
function allOf(node: RedisNode): readonly Seen<Both>[] {
  const first = node.live('dbfilename');
  if (!first.ok) return [first];
  return [...Object.keys(compared).map((name) => bothOf(node, name)), savesOf(node)];
}

function bothOf(node: RedisNode, name: string): Seen<Both> {
  const seen = together({ setting: node.setting(name), live: node.live(name) });
  if (!seen.ok) return seen;
  const { setting, live } = seen.value;
  const { form, preset } = compared[name] ?? { form: 'text' };
  const word = setting.line === undefined ? preset : (setting.words[0] ?? '');
  const file = word === undefined || (form === 'path' && !word.startsWith('/')) ? undefined : normal(word, form);
  return { ...seen, value: { setting, file, now: normal(live, form) } };
}

/** Save points as CONFIG GET prints them. */
function savesOf(node: RedisNode): Seen<Both> {
  const seen = together({ lines: node.linesOf('save'), gives: node.gives, live: node.live('save') });
  if (!seen.ok) return seen;
  const { lines, gives, live } = seen.value;
  const setting: Setting = { node: lines.node, name: 'save', line: lines.lines.at(-1), words: [] };
  const file = gives.save.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' ');
  return { ...seen, value: { setting, file, now: live } };
}

function normal(value: string, form: Form): string {
  if (form === 'size') return String(memoryBytes(value));
  if (form === 'path') return value.replace(/\/+$/, '').replace(/\/+/g, '/');
  return lowerAscii(value);
}

function shown(value: string | undefined): string {
  return value === undefined || value === '' ? '""' : value;
}
