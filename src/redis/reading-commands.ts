/**
 * Commands that change no key: those that `COMMAND` of Redis 6.0.16, 7.0.15, 8.0.2 and Valkey 8.1.1 gives without the flag
 * `write`. EVAL, FCALL and EXEC are among them because what they call is counted beside them (server.c:call); DEBUG is not,
 * which can make keys. Of a container the first word, but for those that write as well.
 */
const reading: ReadonlySet<string> = new Set(
  `acl asking auth bgrewriteaof bgsave bitcount bitfield_ro bitpos client cluster command commandlog config dbsize
  discard dump echo eval eval_ro evalsha evalsha_ro exec exists expiretime failover fcall fcall_ro function|dump
  function|help function|kill function|list function|stats geodist geohash geopos georadius_ro georadiusbymember_ro
  geosearch get getbit getrange hello hexists hexpiretime hget hgetall hkeys hlen hmget host: hpexpiretime hpttl
  hrandfield hscan hstrlen httl hvals info keys lastsave latency lcs lindex llen lolwut lpos lrange memory mget module
  monitor multi object pexpiretime pfcount pfselftest ping post psubscribe psync pttl publish pubsub punsubscribe quit
  randomkey readonly readwrite replconf replicaof reset role save scan scard script sdiff select sentinel shutdown
  sinter sintercard sismember slaveof slowlog smembers smismember sort_ro spublish srandmember sscan ssubscribe stralgo
  strlen subscribe substr sunion sunsubscribe sync time touch ttl type unsubscribe unwatch vcard vdim vemb vgetattr
  vinfo vismember vlinks vrandmember vsim wait waitaof watch xgroup|help xinfo xlen xpending xrange xread xrevrange
  zcard zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange
  zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion`.split(/\s+/),
);

const alsoWrite: ReadonlySet<string> = new Set(['function', 'xgroup']);

/**
 * Whether a command, as INFO commandstats or CLIENT LIST names it, may change data. One that is not known is taken for one
 * that does, as every later version and every module has its own (`vadd`, `json.set`): a write that is taken for a look may be lost.
 */
export function mayWrite(name: string): boolean {
  const lower = name.toLowerCase();
  const [container = ''] = lower.split('|');
  return !reading.has(alsoWrite.has(container) ? lower : container);
}
