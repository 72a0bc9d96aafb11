import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Claim, claimBlock, releaseClaim } from '../../src/lab/block.js';
import { askOnce, infoFields, pairFields } from '../../src/lab/resp.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import { applySentinelIntent } from '../../src/redis/edit-sentinel.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';
import { kinds, type MachineKind } from './kinds.js';
import { serverOf } from './server-of.js';

const all = Object.keys(kinds) as readonly MachineKind[];
const password = '#p4$s;%w&0rd=*!';
const LIMIT_MS = 90_000;

const directory = mkdtempSync(join(tmpdir(), 'redis-runbook-sentinels.'));
const children = new Set<ChildProcess>();
const claims: Claim[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const claim of claims) releaseClaim(claim);
  rmSync(directory, { recursive: true, force: true });
});

/** Two groups and three sentinels of one version on addresses of their own. */
interface Site {
  readonly server: readonly [string, ...string[]];
  readonly place: string;
  readonly redis: readonly string[];
  readonly sentinels: readonly string[];
}

async function siteOf(kind: MachineKind): Promise<Site> {
  const place = join(directory, `fleet-${kind}`);
  mkdirSync(place);
  const claim = await claimBlock(place, { ownerPid: process.pid });
  claims.push(claim);
  const at = (number: number) => `${claim.block}.${number}`;
  const server = await serverOf(kind, directory);
  return { server, place, redis: [at(1), at(2), at(3)], sentinels: [at(11), at(12), at(13)] };
}

function start({ server: [program, ...args], place }: Site, address: string, text: string, ...more: string[]) {
  const home = join(place, address);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'node.conf'), text);
  const child = spawn(program, [...args, join(home, 'node.conf'), ...more], { stdio: 'ignore', cwd: home });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

function redisText(address: string, home: string, master?: string): string {
  const role = master === undefined ? '' : `replicaof ${master} 6379\n`;
  const auth = `requirepass "${password}"\nmasterauth "${password}"\n`;
  return `port 6379\nbind ${address}\nreplica-announce-ip ${address}\ndir ${home}\nsave ""\nrepl-diskless-sync-delay 0\n${auth}${role}`;
}

/** As a person keeps it; the order of the lines is one that the rewriter of 6.0 pours below its marker. */
function sentinelText({ redis: [shop, , jobs], place }: Site, address: string): string {
  return `# ${address}, written in May
port 26379
bind ${address}
dir ${join(place, address)}
user watcher on >w4tch ~* +ping +info
# the shop
sentinel monitor shop ${shop} 6379 2
sentinel auth-pass shop ${password}
sentinel down-after-milliseconds shop 4000
sentinel parallel-syncs shop 2
# who is told
sentinel notification-script shop /bin/true
sentinel client-reconfig-script shop /bin/true
# the queue
sentinel monitor jobs ${jobs} 6379 2
sentinel auth-pass jobs ${password}
sentinel failover-timeout jobs 42000
sentinel announce-ip ${address}
`;
}

async function masterOf(address: string, group: string): Promise<ReadonlyMap<string, string>> {
  return pairFields(await askOnce(address, 26379, undefined, 'SENTINEL', 'MASTER', group));
}

/** Every sentinel names the address, knows all others and every replica, and has nothing to say against it. */
function agreed(site: Site, group: string, address: string | undefined, replicas: number): Promise<void> {
  return until(`the sentinels to agree on ${group}`, LIMIT_MS, async () => {
    for (const sentinel of site.sentinels) {
      const said = await masterOf(sentinel, group);
      const own = [said.get('ip'), said.get('flags'), said.get('num-other-sentinels'), said.get('num-slaves')].join();
      if (own !== [address, 'master', '2', String(replicas)].join()) return notYet(own);
    }
    return holds(undefined);
  });
}

function linked(address: string | undefined, master: string | undefined): Promise<void> {
  return until(`${address} to follow ${master}`, LIMIT_MS, async () => {
    const info = infoFields(await askOnce(address ?? '', 6379, password, 'INFO'));
    const is = info.get('master_host') === master && info.get('master_link_status') === 'up';
    return is ? holds(undefined) : notYet(`${info.get('role')} of ${info.get('master_host')}`);
  });
}

/** A replica can be chosen once its INFO has come, some seconds after it is known (sentinel.c:sentinelSelectSlave). */
function failedOver(sentinel: string): Promise<void> {
  return until('a failover to be accepted', LIMIT_MS, () =>
    askOnce(sentinel, 26379, undefined, 'SENTINEL', 'FAILOVER', 'shop').then(
      () => holds(undefined),
      (error: Error) => {
        if (!error.message.startsWith('NOGOODSLAVE')) throw error;
        return notYet(error.message);
      },
    ),
  );
}

async function stopped(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

async function startAll(site: Site, texts: readonly string[]): Promise<readonly ChildProcess[]> {
  const begun = site.sentinels.map((address, i) => start(site, address, texts[i] ?? '', '--sentinel'));
  await agreed(site, 'jobs', site.redis[2], 0);
  return begun;
}

/** What Sentinel generates about the group, and the clock of all of them. */
const generated = /^sentinel (known-(slave|replica)|(config|leader)-epoch|monitor) shop |^sentinel current-epoch /;
const ownWords = [
  `sentinel auth-pass shop ${password}`,
  'sentinel parallel-syncs shop 2',
  'sentinel down-after-milliseconds shop 4000',
  'sentinel notification-script shop /bin/true',
  'sentinel client-reconfig-script shop /bin/true',
  `sentinel auth-pass jobs ${password}`,
  'sentinel failover-timeout jobs 42000',
  '# who is told',
  '# by hand, below everything',
];

describe.concurrent.each(all)('sentinels of %s', (kind) => {
  test('start with the file that they wrote and that was changed, agree, and lose nothing of a person', async () => {
    const site = await siteOf(kind);
    const [one, two, jobs] = site.redis;
    for (const address of site.redis) {
      const home = join(site.place, address);
      start(site, address, redisText(address, home, address === two ? one : undefined));
    }
    await linked(two, one);
    const first = await startAll(
      site,
      site.sentinels.map((address) => sentinelText(site, address)),
    );
    await agreed(site, 'shop', one, 1);
    await failedOver(site.sentinels[0] ?? '');
    await agreed(site, 'shop', two, 1);
    await linked(one, two);
    await Promise.all(first.map(stopped));

    await askOnce(one ?? '', 6379, password, 'REPLICAOF', 'NO', 'ONE');
    await askOnce(two ?? '', 6379, password, 'REPLICAOF', one ?? '', '6379');
    const files = site.sentinels.map((address) => join(site.place, address, 'node.conf'));
    const before = files.map((file) => `${readFileSync(file, 'utf8')}# by hand, below everything\n`);
    const epochs = before.map((text) => parseSentinelFile('f', text, 'shop').currentEpoch);
    const epoch = 1n + epochs.reduce((high, each) => (each > high ? each : high));
    const master = { host: one ?? '', port: 6379 };
    const after = before.map(
      (text) => applySentinelIntent(text, { kind: 'sentinel.conf', group: 'shop', master, epoch, forget: [] }).text,
    );
    for (const [i, text] of before.entries()) {
      expect(text).toContain('# Generated by CONFIG REWRITE');
      const rest = (content: string) => content.split('\n').filter((line) => !generated.test(line));
      expect(rest(after[i] ?? '')).toEqual(rest(text));
    }

    await startAll(site, after);
    await agreed(site, 'shop', one, 1);
    for (const [i, address] of site.sentinels.entries()) {
      const said = await masterOf(address, 'shop');
      expect([said.get('config-epoch'), said.get('parallel-syncs'), said.get('quorum')]).toEqual([
        String(epoch),
        '2',
        '2',
      ]);
      expect(said.get('notification-script')).toBe('/bin/true');
      expect(String(await askOnce(address, 26379, undefined, 'SENTINEL', 'CKQUORUM', 'shop'))).toMatch(/^OK 3 usable/);
      const text = readFileSync(files[i] ?? '', 'utf8');
      for (const words of ownWords) expect(text).toContain(words);
      // 6.0 itself drops the users of a sentinel.conf at its first start (seen on 6.0.16).
      if (kinds[kind].series !== '6.0') expect(text).toContain('user watcher on');
    }
    expect(jobs).toBe((await masterOf(site.sentinels[2] ?? '', 'jobs')).get('ip'));
    await failedOver(site.sentinels[1] ?? '');
    await agreed(site, 'shop', two, 1);
    await linked(one, two);
  }, 300_000);
});
