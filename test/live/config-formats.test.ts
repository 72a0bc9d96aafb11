import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyedHash } from '../../src/model/secret.js';
import { encodeText } from '../../src/redis/byte-text.js';
import { applyRedisIntent } from '../../src/redis/edit-redis.js';
import { applySentinelIntent, differsOutsideGenerated } from '../../src/redis/edit-sentinel.js';
import { flatten, willGive } from '../../src/redis/effective.js';
import { parseRunningRedis } from '../../src/redis/info.js';
import { parseConfig } from '../../src/redis/redis-conf.js';
import { redactConfig } from '../../src/redis/secrets.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';
import { quoteArg, splitArgs } from '../../src/redis/tokenise.js';
import { parseVersion } from '../../src/redis/versions.js';

const address = '127.83.14.1';
const limitMs = 10_000;
const version = parseVersion('7.0.15');
const seedPassword = '#p4$s;%w&0rd=*!';

let dir: string;
let running: ChildProcess[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-formats-'));
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map(ended));
  rmSync(dir, { recursive: true, force: true });
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function launch(...argv: readonly string[]): ChildProcess {
  const child = spawn('redis-server', argv, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

/** Resolves when the server's output matches; rejects with the output when it ends or takes too long. */
function says(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`not seen in ${limitMs} ms: ${output}`)), limitMs);
    const read = (chunk: Uint8Array) => {
      output += chunk.toString();
      if (pattern.test(output)) settle(() => resolve(output));
    };
    const settle = (how: () => void) => {
      clearTimeout(timer);
      how();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', () => settle(() => (pattern.test(output) ? resolve(output) : reject(new Error(output)))));
  });
}

type Reply = string | null | Reply[];

/** Sends commands over one connection and gives their replies, bytes as latin1 characters; an error reply is thrown. */
function ask(port: number, ...commands: readonly (readonly string[])[]): Promise<Reply[]> {
  return exchange(port, Buffer.concat(commands.map(request)), commands.length);
}

async function exchange(port: number, bytes: Uint8Array, replies: number): Promise<Reply[]> {
  const socket = connect({ host: address, port });
  const chunks: Uint8Array[] = [];
  try {
    await once(socket, 'connect');
    socket.write(bytes);
    for await (const chunk of socket) {
      chunks.push(chunk);
      const read = allReplies(Buffer.concat(chunks).toString('latin1'), replies);
      if (read !== undefined) return read;
    }
    throw new Error('the connection ended before every reply came');
  } finally {
    socket.destroy();
  }
}

function request(words: readonly string[]): Uint8Array {
  const parts = words.map((word) => Buffer.from(encodeText(word)));
  return Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ]);
}

function allReplies(text: string, count: number): Reply[] | undefined {
  const replies: Reply[] = [];
  let at = 0;
  while (replies.length < count) {
    const next = replyAt(text, at);
    if (next === undefined) return undefined;
    replies.push(next.value);
    at = next.end;
  }
  return replies;
}

function replyAt(text: string, at: number): { value: Reply; end: number } | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const [kind, head, start] = [text.charAt(at), text.slice(at + 1, lineEnd), lineEnd + 2];
  if (kind === '-') throw new Error(head);
  if (kind === '$') {
    if (head === '-1') return { value: null, end: start };
    const end = start + Number(head);
    return text.length < end + 2 ? undefined : { value: text.slice(start, end), end: end + 2 };
  }
  if (kind !== '*') return { value: head, end: start };
  return arrayAt(text, start, Number(head));
}

function arrayAt(text: string, start: number, length: number): { value: Reply; end: number } | undefined {
  const value: Reply[] = [];
  let end = start;
  while (value.length < length) {
    const item = replyAt(text, end);
    if (item === undefined) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}

const latin1 = (text: string) => Buffer.from(encodeText(text)).toString('latin1');

async function configOf(port: number, password: string): Promise<ReadonlyMap<string, string>> {
  const [, flat] = await ask(port, ['AUTH', password], ['CONFIG', 'GET', '*']);
  const words = Array.isArray(flat) ? flat.map(String) : [];
  return new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? '']] : [])));
}

describe('words', () => {
  test('splitArgs takes any line apart as the server does (inline commands use the same sdssplitargs)', async () => {
    const conf = join(dir, 'redis.conf');
    writeFileSync(conf, `port 7101\nbind ${address}\n`);
    await says(launch(conf), /Ready to accept connections/);
    const piece = fc.constantFrom(
      '"',
      '"',
      "'",
      "'",
      '\\',
      ' ',
      '\t',
      '\v',
      '\f',
      'x',
      '4',
      'f',
      'n',
      'ä',
      '#',
      'g',
      '\\x41',
      '" ',
      '\udcff',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const line = `EVAL 'return ARGV' 0 ${pieces.join('')}`;
        const words = splitArgs(line)?.slice(3).map(latin1) ?? 'unbalanced';
        const [answer] = await exchange(7101, encodeText(`${line}\n`), 1).catch((error: Error) => [error.message]);
        expect(String(answer).includes('unbalanced quotes') ? 'unbalanced' : answer).toEqual(words);
      }),
      { numRuns: 500 },
    );
  });
});

describe('redis.conf', () => {
  test.each([
    ['the password of the seed', `"${seedPassword}"`, seedPassword],
    ['the same without quotes', seedPassword, seedPassword],
    ['single quotes and escapes', String.raw`'it\'s "a\n" b'`, String.raw`it's "a\n" b`],
    ['hex, control characters and a quote', String.raw`"\x41\t\"\\\a\xc3\xa4"`, 'A\t"\\\x07ä'],
    ['quotes that start inside the word', 'a"b c"', 'ab c'],
  ])('%s: the server reads the words that splitArgs reads', async (_name, written, password) => {
    expect(splitArgs(`requirepass ${written}`)?.[1]).toBe(password);
    const conf = join(dir, 'redis.conf');
    writeFileSync(
      conf,
      `port 7101\nbind ${address}\nsave ""\nrequirepass ${written}\nmasterauth ${quoteArg(password)}\n`,
    );
    await says(launch(conf), /Ready to accept connections/);
    const config = await configOf(7101, password);
    expect(config.get('requirepass')).toBe(latin1(password));
    expect(config.get('masterauth')).toBe(latin1(password));
    expect(redactConfig(readFileSync(conf, 'utf8')).secrets.get('requirepass')?.hash).toBe(keyedHash(password));
  });

  test('what willGive says is what CONFIG GET answers, with includes, patterns, aliases and a command line', async () => {
    const conf = join(dir, 'redis.conf');
    mkdirSync(join(dir, 'data one'));
    mkdirSync(join(dir, 'conf.d'));
    const main = [
      '# main',
      `  BIND ${address}`,
      'port 7000\r',
      `dir "${dir}/data one"`,
      'include ../a.conf',
      `include ${dir}/conf.d/*.conf`,
      `include ${dir}/none/*.conf`,
      'appendfilename "x y.aof"',
      'save 900 1 300 10',
      'save 60 5',
      `requirepass '${seedPassword}'`,
      'slaveof 10.9.9.9 6379',
      'replicaof no one',
    ].join('\n');
    const texts = new Map([
      [conf, main],
      [`${dir}/data one/../a.conf`, 'maxmemory 3mb\nport 7100\ndbfilename a.rdb\nappenddirname ad'],
      [join(dir, 'conf.d/1.conf'), 'dbfilename "b\\x2erdb"\nmaxmemory 2K'],
      [join(dir, 'conf.d/2.conf'), 'B\nslaveof 127.83.14.9 7999\n'],
    ]);
    for (const [path, text] of texts) writeFileSync(path, text);
    const globs = new Map([[`${dir}/conf.d/*.conf`, [join(dir, 'conf.d/1.conf'), join(dir, 'conf.d/2.conf')]]]);
    const argv = ['--port', '7101', '--save', '30', '7', '--appendonly yes', '--masterauth', '--x'];
    await says(launch(conf, ...argv), /Ready to accept connections/);
    const config = await configOf(7101, seedPassword);
    const give = willGive(conf, flatten(conf, texts, version, globs), argv, version);
    expect({
      bind: give.bind.join(' '),
      port: String(give.port),
      dir: give.dir,
      dbfilename: give.dbfilename,
      appendonly: give.appendonly ? 'yes' : 'no',
      appendfilename: give.appendfilename,
      appenddirname: give.appenddirname,
      save: give.save.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' '),
      maxmemory: String(give.maxmemoryBytes),
      replicaof: give.replicaOf === undefined ? '' : `${give.replicaOf.host} ${give.replicaOf.port}`,
      requirepass: give.requirepassHash,
      masterauth: give.masterauthHash,
    }).toEqual({
      ...Object.fromEntries(
        [
          'bind',
          'port',
          'dir',
          'dbfilename',
          'appendonly',
          'appendfilename',
          'appenddirname',
          'save',
          'maxmemory',
          'replicaof',
        ].map((name) => [name, config.get(name)]),
      ),
      requirepass: keyedHash(config.get('requirepass') ?? ''),
      masterauth: keyedHash(config.get('masterauth') ?? ''),
    });
    expect([give.port, give.dbfilename, give.masterauthHash]).toEqual([7101, 'b.rdb', keyedHash('--x')]);
  });

  test.each<[string, string, readonly string[]]>([
    ['save 900 1\ninclude X\nsave 30 7', 'save 60 5', []],
    ['save 900 1\ninclude X\nsave 30 7\nsave 20 8', 'save 60 5', []],
    ['include X\nsave 30 7', '', []],
    ['include X', 'save 60 5\nsave 50 6', []],
    ['include X*none\nsave 900 1\nsave 30 7', '', []],
    ['include X*none\nsave 900 1\ninclude X', 'save 60 5\nsave 50 6', []],
    ['save 900 1\ninclude X', '', ['--save', '1', '2', '--save', '3', '4']],
    ['save 900 1\nsave ""\nsave 5 5', '', []],
    ['save 900 1', '', ['--save', '5 5 6 6']],
    ['save "900 1"', '', ['--save 7 7']],
    ['save 900 1', '', ['--save']],
    ['save 900 1', '', ['--save', '--maxmemory', '1mb']],
  ])('save lines %j with %j included and %j', async (main, included, argv) => {
    const [conf, x] = [join(dir, 'redis.conf'), join(dir, 'x')];
    const text = `port 7101\nbind "${address} -127.83.14.99"\n${main.replaceAll('X', x)}\n`;
    writeFileSync(conf, text);
    writeFileSync(x, included);
    await says(launch(conf, ...argv), /Ready to accept connections/);
    const config = await configOf7101WithoutPassword();
    const texts = new Map([
      [conf, text],
      [x, included],
    ]);
    const give = willGive(conf, flatten(conf, texts, version, new Map()), argv, version);
    expect(give.save.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' ')).toBe(config.get('save'));
    expect(give.bind.join(' ')).toBe(config.get('bind'));
    expect(String(give.maxmemoryBytes)).toBe(config.get('maxmemory'));
  });

  test('the defaults are the ones of a server without a line for them', async () => {
    const conf = join(dir, 'redis.conf');
    const text = `port 7101\nbind ${address}\n`;
    writeFileSync(conf, text);
    await says(launch(conf), /Ready to accept connections/);
    const config = await configOf7101WithoutPassword();
    const give = willGive(conf, parseConfig(conf, text), [], version);
    expect(give.save.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' ')).toBe(config.get('save'));
    for (const name of ['dbfilename', 'appendfilename', 'appenddirname', 'logfile', 'pidfile'] as const) {
      expect([name, give[name]]).toEqual([name, config.get(name)]);
    }
  });

  test('an edited file starts as the replica that it says', async () => {
    const conf = join(dir, 'redis.conf');
    const text = `port 7101\nbind ${address}\nSLAVEOF no one\nrequirepass "${seedPassword}"\nsave ""`;
    const edited = applyRedisIntent(text, {
      kind: 'redis.conf',
      set: [
        { directive: 'replicaof', value: ['127.83.14.9', '7999'] },
        { directive: 'masterauth', value: { sameSecretAs: 'requirepass' } },
      ],
      drop: [],
    });
    writeFileSync(conf, edited.text);
    await says(launch(conf), /Ready to accept connections/);
    const [, info, auth] = await ask(7101, ['AUTH', seedPassword], ['INFO', 'all'], ['CONFIG', 'GET', 'masterauth']);
    expect(parseRunningRedis(String(info))).toMatchObject({
      role: 'replica',
      masterAddress: '127.83.14.9:7999',
      masterLinkDownSeconds: -1,
    });
    expect(auth).toEqual(['masterauth', seedPassword]);
  });

  test.each(['dir "a b', 'requirepass "a"b', "dir 'a"])('refused as problemsOf says: %s', async (line) => {
    const conf = join(dir, 'redis.conf');
    for (const text of [line, redactConfig(line).text]) {
      writeFileSync(conf, `port 0\n${text}\n`);
      expect(await says(launch(conf), /Unbalanced quotes/)).toContain('at line 2');
    }
  });
});

function configOf7101WithoutPassword(): Promise<ReadonlyMap<string, string>> {
  return ask(7101, ['CONFIG', 'GET', '*']).then(([flat]) => {
    const words = Array.isArray(flat) ? flat.map(String) : [];
    return new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? '']] : [])));
  });
}

describe('sentinel.conf', () => {
  const poured = readFileSync(new URL('../fixtures/redis-conf/sentinel-6.0-poured.conf', import.meta.url), 'utf8');

  /** The recorded file made harmless: no script, own port and directory, and masters that nobody is. */
  function startable(): string {
    return `${poured
      .replace(/^sentinel client-reconfig-script .*\n/m, '')
      .replace('port 26379', `bind ${address}\nport 27101`)
      .replace('dir "/var/lib/redis"', `dir "${dir}"`)
      .replaceAll('10.0.', '127.0.')}`;
  }

  const master = { host: '127.0.10.2', port: 6379 };
  const intent = { kind: 'sentinel.conf', group: 'stn-master', master, epoch: 1013n, forget: [] } as const;

  test('the file before the edit does not start: a peer stands in it twice', async () => {
    const conf = join(dir, 'sentinel.conf');
    writeFileSync(conf, startable());
    await says(launch(conf, '--sentinel'), /Duplicate runid for sentinel/);
  });

  test('the edited file starts, with the new master and epoch, and what the sentinel then writes is no difference', async () => {
    const conf = join(dir, 'sentinel.conf');
    const edited = applySentinelIntent(startable(), intent);
    writeFileSync(conf, edited.text);
    await says(launch(conf, '--sentinel'), /\+monitor master stn-master 127\.0\.10\.2 6379 quorum 3/);
    const replies = await ask(
      27101,
      ['SENTINEL', 'MASTER', 'stn-master'],
      ['SENTINEL', 'MYID'],
      ['SENTINEL', 'SENTINELS', 'stn-master'],
      ['SENTINEL', 'SET', 'stn-master', 'failover-timeout', '7000'],
      ['SENTINEL', 'FLUSHCONFIG'],
    );
    expect(replies[0]).toEqual(expect.arrayContaining(['127.0.10.2', '1013']));
    expect(replies[1]).toBe('8f1d6a3c2b4e5f60718293a4b5c6d7e8f9012345');
    expect(replies[2]).toHaveLength(2);
    const written = readFileSync(conf, 'utf8');
    expect(parseSentinelFile(conf, written, 'stn-master')).toMatchObject({
      master: '127.0.10.2:6379',
      quorum: 3,
      configEpoch: 1013n,
      currentEpoch: 1013n,
      leaderEpoch: 0n,
      otherGroups: ['other'],
      authPassHash: keyedHash('s3cret'),
    });
    expect(differsOutsideGenerated(edited.text, written, 'stn-master')).toEqual([
      '+sentinel failover-timeout stn-master 7000',
    ]);
    expect(applySentinelIntent(written, intent).epoch).toBe(1013n);
  });
});
