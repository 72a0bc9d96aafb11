/** What a given file is, told from its contents; the name only breaks a tie. */
export type FileKind = 'redis.conf' | 'sentinel.conf' | 'acl' | 'info' | 'config-get' | 'unit' | 'survey' | 'other';

/** Directives that hardly any other kind of file begins a line with. */
const redisHints =
  /^(?:appendonly|appendfsync|appendfilename|requirepass|masterauth|masteruser|replicaof|slaveof|maxmemory|maxmemory-policy|dbfilename|databases|protected-mode|tcp-backlog|tcp-keepalive|loglevel|logfile|pidfile|daemonize|supervised|bind|port|save|dir|unixsocket|timeout|maxclients|rename-command|cluster-enabled|stop-writes-on-bgsave-error|rdbcompression|rdbchecksum|include|loadmodule|aclfile|(?:repl|replica|slave|min|tls|lazyfree|client|io|hash|list|set|zset|latency|slowlog|lua|notify|auto|aof|no)-[a-z-]+)$/i;

const enough = 64 * 1024;

/** Tells the kind of a text; `named`: the operator named this very file, so it is taken for a config where it may be one. */
export function kindOf(path: string, text: string, named: boolean): FileKind {
  const head = text.slice(0, enough).replace(/^\ufeff/, '');
  if (/^\s*\{/.test(head) && head.slice(0, 400).includes('"redis-runbook/')) return 'survey';
  if (/^# Server\r?$/m.test(head.slice(0, 200)) && /^redis_version:/m.test(head)) return 'info';
  if (/^LoadState=/m.test(head) && /^Restart=/m.test(head)) return 'unit';
  const words = firstWords(head);
  if (isConfigGet(head)) return 'config-get';
  const sentinel = words.filter((word) => /^sentinel$/i.test(word)).length;
  const redis = words.filter((word) => redisHints.test(word)).length;
  const name = (path.split('/').at(-1) ?? '').toLowerCase();
  if (sentinel > 0 && (sentinel * 2 >= redis || name.includes('sentinel'))) return 'sentinel.conf';
  if (words.length > 0 && words.every((word) => word === 'user')) return 'acl';
  if (redis > 0 && (redis * 4 >= words.length || name.endsWith('.conf'))) return 'redis.conf';
  if (!named) return 'other';
  return name.includes('sentinel') ? 'sentinel.conf' : 'redis.conf';
}

function firstWords(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const word = /^[ \t\r]*([^\s#]\S{0,60})/.exec(line)?.[1];
    return word === undefined ? [] : [word];
  });
}

/** What `redis-cli CONFIG GET '*'` prints: numbered on a terminal, name and value line by line in a pipe. */
function isConfigGet(text: string): boolean {
  if (/^\s*1\) "[a-z-]+"\r?\n\s*2\) "/.test(text)) return true;
  const lines = text.split('\n', 40).map((line) => line.replace(/\r$/, ''));
  const names = lines.filter((_line, index) => index % 2 === 0).filter((line) => line !== '');
  return names.length > 0 && names.every((name) => /^[a-z][a-z0-9-]*$/.test(name)) && redisHints.test(names[0] ?? '');
}

/** Name and value pairs of such an output. */
export function readConfigGet(text: string): ReadonlyMap<string, string> {
  const numbered = [...text.matchAll(/^\s*\d+\) "(.*)"\r?$/gm)].map((match) => match[1] ?? '');
  const words = numbered.length > 0 ? numbered : text.split('\n').map((line) => line.replace(/\r$/, ''));
  const pairs = words.flatMap((name, index): [string, string][] =>
    index % 2 === 0 && name !== '' ? [[name, words[index + 1] ?? '']] : [],
  );
  return new Map(pairs);
}

/** The properties of a unit that rules ask for: none of them can hold a secret. */
const unitProperties =
  /^(Id|Names|LoadState|ActiveState|SubState|UnitFileState|User|Restart|TimeoutStopUSec)=(.*?)\r?$/gm;

/** What `systemctl show UNIT` prints, as far as rules ask for it. */
export function readUnit(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(unitProperties)].map(([, name = '', value = '']) => [name, value]));
}
