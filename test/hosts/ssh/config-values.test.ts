import { describe, expect, it } from 'vitest';
import { expandPath, oneOf, parseJumps, parseSettings, wordsOf } from '../../../src/hosts/ssh/config-values.js';

describe('the output of ssh -G', () => {
  const values = parseSettings(
    'user ops\nhostname 10.0.0.1\nidentityfile ~/.ssh/a\nidentityfile ~/.ssh/b c\nproxyjump none\n\nx\n',
  );

  it('is settings with their values in order', () => {
    expect(values.get('identityfile')).toEqual(['~/.ssh/a', '~/.ssh/b c']);
    expect(oneOf(values, 'user')).toBe('ops');
  });

  it('says none for what is not set', () => {
    expect([oneOf(values, 'proxyjump'), oneOf(values, 'hostkeyalias')]).toEqual([undefined, undefined]);
  });
});

describe('paths', () => {
  const tokens = {
    home: '/home/me',
    localUser: 'me',
    localHost: 'laptop.lan',
    uid: '1000',
    host: 'pv1',
    hostName: '10.0.0.1',
    port: '22',
    user: 'ops',
    alias: 'pv1',
  };
  const environment = { KEYS: '/keys' };

  it.each([
    ['~/.ssh/id', '/home/me/.ssh/id'],
    ['/a/%h-%p-%r-%n-%u-%L-%i-%%', '/a/10.0.0.1-22-ops-pv1-me-laptop-1000-%'],
    ['%d/x', '/home/me/x'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as ssh_config writes it
    ['${KEYS}/id', '/keys/id'],
  ])('%s', (path, expected) => {
    expect(expandPath(path, tokens, environment)).toBe(expected);
  });

  // biome-ignore lint/suspicious/noTemplateCurlyInString: as ssh_config writes it
  it.each(['/a/%C', '${NOT_SET}/id', '~other/id'])('are left out when they hold what is not known: %s', (path) => {
    expect(expandPath(path, tokens, environment)).toBeUndefined();
  });

  it('may be quoted where there are several', () => {
    expect(wordsOf('/a "/b c" /d')).toEqual(['/a', '/b c', '/d']);
  });
});

describe('jump hosts', () => {
  it.each([
    ['bastion', [{ host: 'bastion' }]],
    ['ops@bastion:2222', [{ host: 'bastion', user: 'ops', port: 2222 }]],
    ['ssh://ops@bastion:2222/', [{ host: 'bastion', user: 'ops', port: 2222 }]],
    ['a,b@c,[2001:db8::1]:22', [{ host: 'a' }, { host: 'c', user: 'b' }, { host: '2001:db8::1', port: 22 }]],
    ['2001:db8::1', [{ host: '2001:db8::1' }]],
  ])('%s', (text, expected) => {
    expect(parseJumps(text)).toEqual(expected);
  });

  it.each(['', 'a,,b', 'a:0', 'a:99999', 'a:b', 'u@'])('not %j', (text) => {
    expect(parseJumps(text)).toBeUndefined();
  });
});
