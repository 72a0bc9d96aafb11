import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ownLab } from './own-lab.js';
import { rawCommand } from './own-redis.js';

const lab = ownLab({ AUDITOR: 'Zq7-auditor-4711' });

interface Document {
  readonly notChecked: readonly { rule: string; why: string; detail: string; of: readonly string[] }[];
}

function audit(fleet: string, ...flags: readonly string[]): Document & { readonly status: number | null } {
  const { status, stdout } = lab.run('audit', '--json', '--profile', 'single-host-lab', '--fleet', fleet, ...flags);
  return { status, ...(JSON.parse(stdout) as Document) };
}

/** Why the rule that compares files with what runs was not checked, by node. */
function unchecked({ notChecked }: Document): ReadonlyMap<string, string> {
  const own = notChecked.filter(({ rule }) => rule === 'file-vs-running');
  return new Map(own.flatMap(({ why, detail, of }) => of.map((node) => [node, `${why}: ${detail}`] as const)));
}

it('an ACL user without CONFIG, and a node that is down: not checked, with the reason, and the others are', async () => {
  const fleet = lab.path('fleet.yaml');
  expect([...unchecked(audit(fleet))]).toEqual([]);
  const word = (directive: string) => lab.word('pv2', directive);
  const rules = ['on', '>Zq7-auditor-4711', '~*', '&*', '+@all', '-config'];
  const commands = [
    ['AUTH', word('requirepass')],
    ['ACL', 'SETUSER', 'auditor', ...rules],
  ];
  expect(await rawCommand(word('bind'), Number(word('port')), ...commands)).toMatch(/\+OK\r\n\+OK\r\n/);
  const text = readFileSync(fleet, 'utf8');
  const asAuditor = text.replace(/(^ {2}pv2:[\s\S]*?redis: \{)/m, '$1 user: auditor, password: { env: AUDITOR },');
  expect(asAuditor).not.toBe(text);
  writeFileSync(fleet, asAuditor);
  const denied = unchecked(audit(fleet));
  expect([...denied.keys()]).toEqual(['pv2']);
  expect(denied.get('pv2')).toMatch(/CONFIG|permission|NOPERM/i);
  expect(audit(fleet, '--strict').status).toBe(4);

  writeFileSync(fleet, text);
  const pid = readFileSync(lab.path('pv3/redis.pid'), 'utf8').trim();
  process.kill(Number(pid), 'SIGSTOP');
  try {
    const hung = unchecked(audit(fleet));
    expect([...hung.keys()]).toEqual(['pv3']);
    expect(hung.get('pv3')).toMatch(/answer|time/i);
  } finally {
    process.kill(Number(pid), 'SIGCONT');
  }
});
