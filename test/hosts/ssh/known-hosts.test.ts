import { describe, expect, it } from 'vitest';
import {
  fingerprint,
  judgeHostKey,
  keyType,
  knownHostsLine,
  knownHostsName,
  knownTypes,
  namesMatch,
  parseKnownHosts,
} from '../../../src/hosts/ssh/known-hosts.js';

/** Keys made by ssh-keygen 9.2, and what `ssh-keygen -lf` says of them. */
const ed25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAICSyWxjjExF+Z7bUSlJQmnf67/vjIYwpwEjm4FigjI3J';
const ed25519Says = 'SHA256:uvlOKCH1IWRK5bUmnvJfcAfZp5L0tmVgWvNXJzAVoEQ';
const ecdsa =
  'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCUJjD8jdJVMLOpdkSRT7v0wWqwMBeJA9AuIxtnT838apHoNJXsMgME8Ed2H2CkdOOa0xeLk7vxwLzgfL+Ou12k=';
const ecdsaSays = 'SHA256:H56pHzMADCmvPIia6HZE6CLAWxOAnuUTHp1FRViqUVA';
/** Another ed25519 key: the same with its last bytes changed. */
const other = ed25519.replace(/jI3J$/, 'jI3K');
/** `ssh-keygen -H` of pv1.example.com and of [pv1.example.com]:2222. */
const hashed = `|1|9oc6m6QJQy8qfE1dFwSSOFiTMlw=|5D9rlY6KFLmSGg29sBvQ8tu1Cm8= ssh-ed25519 ${ed25519}`;
const hashedPort = `|1|u/s/cWHg1NlDX4ZBcGZmgE/ruiw=|TOItRmcFnQg/WTJXrGLcByqhzQk= ssh-ed25519 ${ed25519}`;

const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const pv1 = { hostName: 'pv1.example.com', port: 22 };
const pv1Other = { hostName: 'pv1.example.com', port: 2222 };
const judge = (text: string, key = ed25519, name: Parameters<typeof knownHostsName>[0] = pv1) =>
  judgeHostKey(parseKnownHosts(text, 'kh'), name, bytes(key));
const at = (line: number, says = ed25519Says, type = 'ssh-ed25519') => ({ type, fingerprint: says, file: 'kh', line });

describe('fingerprints', () => {
  it('are those of ssh-keygen', () => {
    expect([fingerprint(bytes(ed25519)), fingerprint(bytes(ecdsa))]).toEqual([ed25519Says, ecdsaSays]);
    expect([keyType(bytes(ed25519)), keyType(bytes(ecdsa))]).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256']);
  });

  it('take any bytes', () => {
    expect([keyType(new Uint8Array()), keyType(Uint8Array.of(255, 255, 255, 255, 1))]).toEqual(['', '']);
    expect(keyType(Uint8Array.of(0, 0, 0, 9, 65))).toBe('');
  });
});

describe('names of a line', () => {
  it.each([
    ['pv1.example.com', 'pv1.example.com', true],
    ['PV1.Example.com', 'pv1.example.com', true],
    ['pv1', 'pv1.example.com', false],
    ['a,b,pv1', 'pv1', true],
    ['*.example.com', 'pv1.example.com', true],
    ['*.example.com', 'example.com', false],
    ['pv?', 'pv1', true],
    ['pv?', 'pv', false],
    ['pv?', 'pv12', false],
    ['*', 'anything', true],
    ['*.example.com,!pv1.example.com', 'pv1.example.com', false],
    ['!pv1.example.com,*.example.com', 'pv1.example.com', false],
    ['!pv1.example.com,*.example.com', 'pv2.example.com', true],
    ['!pv1', 'pv2', false],
    ['[pv1]:2222', '[pv1]:2222', true],
    ['[pv1]:*', '[pv1]:2222', true],
    ['10.0.0.?', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.12', false],
    ['a.b', 'axb', false],
    ['2001:db8::*', '2001:db8::1', true],
  ])('%s for %s: %s', (names, name, expected) => {
    expect(namesMatch(names, name)).toBe(expected);
  });

  it('take a hostile pattern without delay', () => {
    expect(namesMatch(`${'*a'.repeat(2000)}b`, 'a'.repeat(250))).toBe(false);
  });

  it('are the host, or the host with its port, or the alias without one', () => {
    expect(knownHostsName(pv1)).toBe('pv1.example.com');
    expect(knownHostsName({ hostName: 'PV1', port: 2222 })).toBe('[pv1]:2222');
    expect(knownHostsName({ hostName: 'pv1', port: 2222, alias: 'the-one' })).toBe('the-one');
  });
});

describe('the key that a host shows', () => {
  const line = `pv1.example.com ssh-ed25519 ${ed25519}`;

  it('is known when it stands there, by whatever kind of name', () => {
    expect(judge(line)).toEqual({ state: 'known', at: at(1) });
    expect(judge(`# a comment\n\n  pv1.example.com\tssh-ed25519 ${ed25519} root@pv1 and more`)).toEqual({
      state: 'known',
      at: at(3),
    });
    expect(judge(hashed)).toEqual({ state: 'known', at: at(1) });
    expect(judge(hashedPort, ed25519, pv1Other)).toEqual({ state: 'known', at: at(1) });
    expect(judge(`[pv1.example.com]:2222 ssh-ed25519 ${ed25519}\r\n`, ed25519, pv1Other).state).toBe('known');
    expect(judge(`the-one ssh-ed25519 ${ed25519}`, ed25519, { ...pv1Other, alias: 'the-one' }).state).toBe('known');
  });

  it('is known when it is one of several of the host', () => {
    expect(judge(`${line.replace(ed25519, other)}\npv1.example.com ecdsa-sha2-nistp256 ${ecdsa}\n${line}`)).toEqual({
      state: 'known',
      at: at(3),
    });
  });

  it('is known without the port when the very same key is, and unknown when it is another', () => {
    expect(judge(line, ed25519, pv1Other).state).toBe('known');
    expect(judge(line, other, pv1Other)).toEqual({ state: 'unknown', certAuthority: false });
  });

  it('is unknown when nothing stands there for the host', () => {
    expect(judge('')).toEqual({ state: 'unknown', certAuthority: false });
    expect(judge(hashed, ed25519, { hostName: 'pv2.example.com', port: 22 }).state).toBe('unknown');
    expect(judge(hashedPort).state).toBe('unknown');
    expect(judge(`*,!pv1.example.com ssh-ed25519 ${ed25519}`).state).toBe('unknown');
  });

  it('is changed when only others stand there, and they are named', () => {
    expect(judge(line, other)).toEqual({ state: 'changed', old: [at(1)] });
    expect(judge(hashed, other)).toEqual({ state: 'changed', old: [at(1)] });
    expect(judge(`${line}\npv1.example.com ecdsa-sha2-nistp256 ${ecdsa}`, other)).toEqual({
      state: 'changed',
      old: [at(1), at(2, ecdsaSays, 'ecdsa-sha2-nistp256')],
    });
    expect(judge(`* ssh-ed25519 ${ed25519}`, other).state).toBe('changed');
  });

  it('is changed, not new, when the host is known by a key of another type only', () => {
    expect(judge(`pv1.example.com ecdsa-sha2-nistp256 ${ecdsa}`)).toEqual({
      state: 'changed',
      old: [at(1, ecdsaSays, 'ecdsa-sha2-nistp256')],
    });
  });

  it('is revoked whatever else is written', () => {
    const revoked = `@revoked * ssh-ed25519 ${ed25519}`;
    expect(judge(`${line}\n${revoked}`)).toEqual({ state: 'revoked', at: at(2) });
    expect(judge(`${revoked}\n${line}`)).toEqual({ state: 'revoked', at: at(1) });
    expect(
      judge(`${line.replace('pv1.example.com', '[pv1.example.com]:2222')}\n${revoked}`, ed25519, pv1Other).state,
    ).toBe('revoked');
    expect(judge(`${revoked}\n${line}`, other).state).toBe('changed');
    expect(judge(`@revoked pv2 ssh-ed25519 ${ed25519}\n${line}`).state).toBe('known');
  });

  it('is not made known by a certificate authority', () => {
    expect(judge(`@cert-authority *.example.com ssh-ed25519 ${ed25519}`)).toEqual({
      state: 'unknown',
      certAuthority: true,
    });
    expect(judge(`@cert-authority *.example.com ssh-ed25519 ${other}\n${line}`).state).toBe('known');
  });

  it.each([
    'pv1.example.com',
    'pv1.example.com ssh-ed25519',
    'pv1.example.com ssh-ed25519 %%%',
    '@new pv1 ssh-ed25519 AAAA',
  ])('passes over a line that is none: %s', (wrong) => {
    expect(judge(`${wrong}\n${line}`)).toEqual({ state: 'known', at: at(2) });
  });
});

describe('what is asked for and written', () => {
  it('are the types that are known for the host', () => {
    const known = parseKnownHosts(
      `pv1.example.com ecdsa-sha2-nistp256 ${ecdsa}\n@revoked pv1.example.com ssh-ed25519 ${other}\n* ssh-rsa AAAA`,
      'kh',
    );
    expect(knownTypes(known, pv1)).toEqual(['ecdsa-sha2-nistp256', 'ssh-rsa']);
    expect(knownTypes(parseKnownHosts(hashed, 'kh'), pv1Other)).toEqual(['ssh-ed25519']);
  });

  it('is a line that makes the key known', () => {
    const line = knownHostsLine(pv1Other, bytes(ecdsa));
    expect(line).toBe(`[pv1.example.com]:2222 ecdsa-sha2-nistp256 ${ecdsa}\n`);
    expect(judge(line, ecdsa, pv1Other).state).toBe('known');
  });
});
