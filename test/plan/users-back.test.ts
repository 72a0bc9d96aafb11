import { describe, expect, it } from 'vitest';
import { aclBack, aclIntent, aclTold } from '../../src/plan/acl-back.js';
import { aclDiffersBeyond, applyAclIntent } from '../../src/redis/edit-acl.js';
import { redactConfig } from '../../src/redis/secrets.js';

const fleet = new Set(['default', 'repl']);
const then = `user default on >geheim ~* &* +@all
user repl on >r0 +psync +replconf +ping
user app on #ab12 ~app:* +@read +@write
user ops on >alt1 >alt2 ~* +@all -@dangerous
user gone on >weg ~x:* (~y:* +get) +get
user same on nopass ~z +get
`;
const now = `user default on >geheim ~* &* +@read
user repl on >r0 +ping
user app on ~app:* #cd34 +@all
user ops on >neu ~* +@all

user same   on ~z nopass +get
user fresh on >frisch ~* +get
`;
const stored = (text: string) => ({ stored: 'config/users.acl', sha256: 'a'.repeat(64), text });

describe('an ACL file of a backup against the one that is there', () => {
  it('gives rules back and leaves passwords; one that is gone has its own, and the users of the fleet stay', () => {
    const back = aclBack(now, stored(then), fleet);
    const passwords = new Map([['gone', ['>weg']]]);
    const intent = aclIntent(stored(then), fleet);
    expect(back.intent).toEqual(intent);
    const written = applyAclIntent(now, intent, passwords).text;
    expect(written).toBe(`user default on >geheim ~* &* +@read
user repl on >r0 +ping
user app on ~app:* +@read +@write #cd34
user ops on ~* +@all -@dangerous >neu

user same   on ~z nopass +get
user fresh on >frisch ~* +get
user gone on ~x:* (~y:* +get) +get >weg
`);
    expect(applyAclIntent(written, intent, new Map()).text).toBe(written);
    expect(back.byHand.map(({ directive }) => directive)).toEqual(['user default', 'user repl', 'user fresh']);
    expect(aclDiffersBeyond(now, written, intent)).toEqual([]);
    expect(aclDiffersBeyond(now, now, intent)).toEqual([]);
  });

  it('shows no password, puts none into a plan, and writes no placeholder for one', () => {
    const bare = stored(redactConfig(then).text);
    for (const one of [stored(then), bare]) {
      const back = aclBack(now, one, fleet);
      const said = JSON.stringify([back, back.intent?.kind === 'users.acl' ? aclTold(back.intent) : []]);
      for (const secret of ['geheim', 'alt1', 'weg', 'neu', 'ab12', 'cd34', '{secret:'])
        expect(said).not.toContain(secret);
    }
    const back = aclBack(now, bare, fleet);
    expect(back.remarks).toEqual([expect.stringContaining('user gone comes back without a password')]);
    const written = applyAclIntent(now, aclIntent(bare, fleet), new Map()).text;
    expect(written).toContain('user gone on ~x:* (~y:* +get) +get\n');
  });

  it('is nothing where nothing differs, and takes a user that stands there twice for nobody', () => {
    expect(aclBack(then, stored(then), fleet)).toMatchObject({ diff: [], changes: [], byHand: [], intent: undefined });
    const twice = `${then}user app on nopass +@all\n`;
    expect(aclIntent(stored(twice), fleet).users.map(({ name }) => name)).toEqual(['ops', 'gone', 'same']);
  });

  it('tells what somebody else changed meanwhile', () => {
    const intent = aclIntent(stored(then), fleet);
    const written = applyAclIntent(now, intent, new Map()).text;
    const other = written.replace('>neu', '>dieb').replace('user fresh on', 'user fresh off');
    expect(aclDiffersBeyond(now, other, intent)).toEqual([
      '+user ops on ~* +@all -@dangerous >(secret)',
      '-user fresh on >(secret) ~* +get',
      '+user fresh off >(secret) ~* +get',
    ]);
  });
});
