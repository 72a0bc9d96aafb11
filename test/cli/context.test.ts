import { describe, expect, it } from 'vitest';
import { type GlobalOptions, looks, stateDirectory } from '../../src/cli/context.js';

const terminals = { stdin: true, stdout: true, stderr: true, columns: 120 };

function seen(options: GlobalOptions, env: Record<string, string>, more: Partial<typeof terminals> = {}) {
  const { plain, colour } = looks(options, env, { ...terminals, ...more });
  return `${plain ? 'plain' : 'live'} ${colour ? 'colour' : 'bare'}`;
}

describe('how things are shown', () => {
  it.each<[string, GlobalOptions, Record<string, string>, Partial<typeof terminals>, string]>([
    ['a terminal', {}, { TERM: 'xterm' }, {}, 'live colour'],
    ['a pipe', {}, { TERM: 'xterm' }, { stdout: false }, 'plain bare'],
    ['--plain', { plain: true }, {}, {}, 'plain bare'],
    ['--json', { json: true }, {}, {}, 'plain bare'],
    ['--no-color', { color: false }, {}, {}, 'live bare'],
    ['NO_COLOR', {}, { NO_COLOR: '1' }, {}, 'live bare'],
    ['an empty NO_COLOR', {}, { NO_COLOR: '' }, {}, 'live colour'],
    ['CI', {}, { CI: 'true' }, {}, 'plain bare'],
    ['no CI', {}, { CI: 'false' }, {}, 'live colour'],
    ['a dumb terminal', {}, { TERM: 'dumb' }, {}, 'plain bare'],
  ])('in %s', (_, options, env, more, expected) => {
    expect(seen(options, env, more)).toBe(expected);
  });

  it('asks only where stdin and stderr are terminals, whatever stdout is', () => {
    const asks = (more: Partial<typeof terminals>) => looks({}, {}, { ...terminals, ...more }).isTerminal;
    expect([asks({}), asks({ stdout: false }), asks({ stdin: false }), asks({ stderr: false })]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('is 80 columns wide where the width is unknown or absurd', () => {
    const width = (columns: number | undefined) => looks({}, {}, { ...terminals, columns }).columns;
    expect([width(undefined), width(0), width(120)]).toEqual([80, 80, 120]);
  });
});

describe('the state directory', () => {
  it('follows XDG, and ignores a relative one', () => {
    expect(stateDirectory({ HOME: '/h' })).toBe('/h/.local/state/redis-runbook');
    expect(stateDirectory({ HOME: '/h', XDG_STATE_HOME: '/s' })).toBe('/s/redis-runbook');
    expect(stateDirectory({ HOME: '/h', XDG_STATE_HOME: 's' })).toBe('/h/.local/state/redis-runbook');
    expect(stateDirectory({ HOME: '/h', XDG_STATE_HOME: '' })).toBe('/h/.local/state/redis-runbook');
  });
});
