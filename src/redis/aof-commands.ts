/**
 * Which commands an append-only file may hold. An AOF is a script that the server runs with full rights while it loads
 * (on 7.0.15 CONFIG SET port, REPLICAOF, MIGRATE, SAVE and an endless EVAL all took effect), so everything that Redis
 * itself does not write there is named. Names as `COMMAND` of 7.0.15 gives those with the flag `write`, containers as
 * `name|sub`; later versions' additions behind them.
 */
const writeCommands: ReadonlySet<string> = new Set(
  `append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin copy decr decrby del expire
  expireat flushall flushdb function|delete function|flush function|load function|restore geoadd georadius
  georadiusbymember geosearchstore getdel getex getset hdel hincrby hincrbyfloat hmset hset hsetnx incr incrby
  incrbyfloat linsert lmove lmpop lpop lpush lpushx lrem lset ltrim move mset msetnx persist pexpire pexpireat pfadd
  pfmerge psetex rename renamenx restore restore-asking rpop rpoplpush rpush rpushx sadd sdiffstore set setbit setex
  setnx setrange sinterstore smove sort spop srem sunionstore swapdb unlink xack xadd xautoclaim xclaim xdel
  xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid xreadgroup xsetid xtrim zadd
  zdiffstore zincrby zinterstore zmpop zpopmax zpopmin zrangestore zrem zremrangebylex zremrangebyrank
  zremrangebyscore zunionstore
  hexpire hexpireat hpexpire hpexpireat hpersist hgetdel hgetex hsetex`.split(/\s+/),
);

/** Written between the others: the database, transactions, and up to 6.2 scripts that are loaded. */
const framing: ReadonlySet<string> = new Set(['select', 'multi', 'exec', 'script|load']);

const containers: ReadonlySet<string> = new Set(['function', 'xgroup', 'script']);

/** The name that the tables use: lower case, with the second word for a container such as XGROUP. */
export function commandName(first: string, second: string | undefined): string {
  const name = first.toLowerCase();
  return containers.has(name) ? `${name}|${(second ?? '').toLowerCase()}` : name;
}

/**
 * Whether Redis itself writes this command (a name that `commandName` gave) into an AOF. MIGRATE and PFDEBUG carry the
 * flag `write` and are left out: MIGRATE is propagated as DEL, and loading it would send a key to another machine.
 * EVAL and FCALL are left out too: whoever loads such a file runs a program, and is told so.
 */
export function isExpectedInAof(name: string): boolean {
  return writeCommands.has(name) || framing.has(name);
}

/** Whether this command changes data: in the table of write commands, not only framing. */
export function isWriteCommand(name: string): boolean {
  return writeCommands.has(name);
}
