import { join } from 'node:path';
import {
  configOf,
  type LabHost,
  type Persistence,
  type Programs,
  portOf,
  redisPort,
  sentinelPort,
  startArgv,
  stateOf,
} from './layout.js';

/** What the config texts of a lab depend on. */
export interface FleetSettings {
  readonly group: string;
  readonly password: string;
  readonly persistence: Persistence;
  readonly quorum: number;
  readonly fast: boolean;
  readonly programs: Programs;
}

/** redis.conf as an operator keeps it: comments, old habits, the role of the first day. */
export function redisConf(host: LabHost, first: LabHost, settings: FleetSettings): string {
  return `# ${host.name}: redis of ${settings.group}. Keep the three files alike but for bind and the role.
daemonize yes
pidfile ${join(host.directory, 'redis.pid')}
port ${redisPort}
timeout 0
tcp-keepalive 0

# the machine's own address; replicas and sentinels must come from it too
${bindLines(host, settings)}

${roleLines(host, first)}
# both, and the same everywhere: any node may become master
masterauth "${settings.password}"
requirepass "${settings.password}"

${settings.fast ? 'repl-diskless-sync-delay 0\n' : ''}repl-ping-replica-period 10
repl-timeout 60

loglevel notice
logfile ${join(host.directory, 'log', 'redis.log')}

databases 16

${saveLines(settings.persistence)}
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
dir ${join(host.directory, 'data')}

replica-read-only yes
# Yes for high bandwidth, No for high latency or high traffic
repl-disable-tcp-nodelay no
replica-priority 100

# Mitigation for replication lag, only for Master
#min-replicas-to-write 1
#min-replicas-max-lag 10

appendonly ${settings.persistence === 'rdb' ? 'no' : 'yes'}
appendfilename "appendonly.aof"
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb

slowlog-log-slower-than 10000
slowlog-max-len 128

client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
`;
}

function bindLines(host: LabHost, { programs }: FleetSettings): string {
  return `bind ${host.address}${programs.old ? '' : `\nbind-source-addr ${host.address}`}`;
}

/** The last replica still says `slaveof`, as files that were written years ago do. */
function roleLines(host: LabHost, first: LabHost): string {
  if (host.name === first.name) return '# replicaof <master> 6379   # the master has no such line\n';
  const word = host.name.endsWith('3') ? 'slaveof' : 'replicaof';
  return `# ${first.name} was the master on the first day\n${word} ${first.address} ${redisPort}\n`;
}

function saveLines(persistence: Persistence): string {
  if (persistence === 'aof') return '# no snapshots, the AOF is enough\nsave ""\n';
  return '# save 300 10\n# save 60 10000\nsave 900 1\n';
}

/** sentinel.conf of the first day: no myid, nobody known. */
export function sentinelConf(host: LabHost, first: LabHost, settings: FleetSettings): string {
  const { group } = settings;
  return `# sentinel on ${host.name}
daemonize yes
pidfile "${join(host.directory, 'sentinel.pid')}"
logfile "${join(host.directory, 'log', 'sentinel.log')}"
dir "${host.directory}"

# port <sentinel-port>
port ${sentinelPort}
${bindLines(host, settings)}

# Sentinel changes the address after a failover
sentinel monitor ${group} ${first.address} ${redisPort} ${settings.quorum}
sentinel down-after-milliseconds ${group} ${settings.fast ? 1000 : 2000}
# a failover must be over by then; raise it with the data
sentinel failover-timeout ${group} ${settings.fast ? 3000 : 20000}
sentinel auth-pass ${group} ${settings.password}

# from here on Sentinel adds and keeps its own lines
`;
}

/** The fleet.yaml of the lab. */
export function fleetYaml(hosts: readonly LabHost[], group: string, programs: Programs): string {
  const head = `# A throw-away fleet on this machine. It is fleet.yaml as a real one is, with local processes as machines.
name: lab
group: ${group}
defaults:
  transport: local
  become: none
  service: process
hosts:
`;
  return head + hosts.map((host) => hostYaml(host, programs)).join('');
}

function hostYaml(host: LabHost, programs: Programs): string {
  const nodes = host.runs.map((kind) => {
    const start = startArgv(programs, host, kind).map((word) => JSON.stringify(word));
    const config = JSON.stringify(configOf(host, kind));
    return `      - ${kind}: { port: ${portOf(kind)}, config: ${config}, start: [${start.join(', ')}] }\n`;
  });
  return `  ${host.name}:
    address: ${host.address}
    state: ${JSON.stringify(stateOf(host))}
    runs:
${nodes.join('')}`;
}
