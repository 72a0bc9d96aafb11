#!/bin/bash
# The seven steps by hand, as somebody who knows them would script them before the bad night: one shared connection per
# host, every host at once, one script per stage. Which node is the freshest was found out before: it is given.
# Set by the caller: CONFIG (ssh), MASTER (name), MASTER_ADDRESS, REPLICAS, SENTINELS (names), GROUP, QUORUM, PASSWORD.
set -euo pipefail
sockets=$(mktemp -d)
ssh_to() { ssh -F "$CONFIG" -o User=ops -o ControlMaster=auto -o ControlPath="$sockets/%n" -o ControlPersist=60 "$@"; }
end() { for host in $SENTINELS; do ssh_to -O exit "$host" 2> /dev/null & done; wait; rm -rf "$sockets"; }
trap end EXIT

head=$(printf 'set -eu; trap '\''echo "$name: $BASH_COMMAND" >&2'\'' ERR; name=$(uname -n); run=hand; group=%q; quorum=%q; master=%q; export REDISCLI_AUTH=%q\n' "$GROUP" "$QUORUM" "$MASTER_ADDRESS" "$PASSWORD")
common='
units=redis-sentinel; [ ! -d /var/lib/redis/appendonlydir ] && [ ! -f /var/lib/redis/dump.rdb ] || units="$units redis-server"
cli() { redis-cli --no-auth-warning -h "$(awk "/^bind/ { print \$2; exit }" /etc/redis/$1.conf)" -p "$2" "${@:3}" | tr -d "\r"; }
field() { sed -n "s/^$1://p"; }
until_in() { i=0; until eval "$2"; do i=$((i + 1)); [ $i -lt "$1" ] || { echo "$name: waited in vain for $2" >&2; exit 1; }; sleep 0.05; done; }
let_go() { rm -f "/etc/systemd/system/$1.service.d/hold.conf"; sync /etc/systemd/system; systemctl daemon-reload; }
runs_none() { ! systemctl is-active -q "$1" && ! grep -qsx "$2" /proc/[1-9]*/comm; }
# try PROGRAM WORDS... < CONFIG: on the real parser, with nothing around it to touch; ends as soon as it is up.
try() {
  d=$(mktemp -d); cat > "$d/copy.conf"; mkdir "$d/data"; chown -R redis: "$d"
  (cd "$d/data" && exec unshare -n setpriv --reuid redis --regid redis --clear-groups "$1" "$d/copy.conf" --port 0 --unixsocket "$d/s" --dir . "${@:2}" > "$d/out" 2>&1) &
  until_in 100 "grep -qiE \"ready to accept connections|Sentinel ID is\" $d/out || ! kill -0 $! 2> /dev/null"
  { kill -9 $!; wait $!; } 2> /dev/null || true; grep -qiE "ready to accept connections|Sentinel ID is" "$d/out" || { cat "$d/out" >&2; exit 1; }
  rm -rf "$d"
}
'
# on "hosts" script: everywhere at once; ends with the first host that failed.
on() {
  local hosts=$1 pids=() host
  for host in $hosts; do printf '%s\n%s\n%s\n' "$head" "$common" "$2" | ssh_to "$host" sudo bash -s & pids+=($!); done
  for host in "${pids[@]}"; do wait "$host"; done
}

# Look: what runs, what is there, what the logs and the sentinels say last; what the other steps need. Then the lock, before
# anything is changed anywhere.
on "$SENTINELS" 'command -v redis-sentinel redis-cli unshare setpriv sha256sum sync
for place in /var/lib /etc/redis /etc/systemd/system; do
  [ -w "$place" ] && [ "$(df -P -k "$place" | awk "END { print \$4 }")" -gt 1024 ]
done
systemctl is-active redis-server redis-sentinel || true
grep -E "^sentinel (monitor|config-epoch|current-epoch)" /etc/redis/sentinel.conf
ls -l --time-style=full-iso /var/lib/redis /var/lib/redis/appendonlydir 2> /dev/null || true
grep -E "^(replicaof|slaveof|appendonly|dir|dbfilename) " /etc/redis/redis.conf || true
tail -n 20 /var/log/redis/redis-server.log /var/log/redis/redis-sentinel.log 2> /dev/null || true
df -P /var/lib/redis /etc' > /dev/null
on "$SENTINELS" 'set -C; echo "$run since $(date -Is)" > /var/lib/redis-lock; sync /var/lib/redis-lock'

# Hold and stop: nothing starts by itself any more, the sentinels first.
hold='for unit in $units; do
  mkdir -p "/etc/systemd/system/$unit.service.d"
  printf "[Unit]\nAssertPathExists=!/var/lib/redis-hold\n[Service]\nRestart=no\n" > "/etc/systemd/system/$unit.service.d/hold.conf"
done
touch /var/lib/redis-hold; sync -f /var/lib/redis-hold /etc/systemd/system
systemctl daemon-reload
for unit in $units; do [ "$(systemctl show -P Restart -P NeedDaemonReload "$unit" | tr "\n" " ")" = "no no " ]; done'
on "$SENTINELS" "$hold"'
systemctl stop redis-sentinel; runs_none redis-sentinel redis-sentinel'
on "$MASTER $REPLICAS" 'systemctl stop redis-server; runs_none redis-server redis-server'

# Keep: data by link (what grows is copied), configs by copy, both compared.
on "$SENTINELS" 'mkdir -p -m 700 "/var/lib/redis-kept/$run"; cp -p /etc/redis/*.conf "/var/lib/redis-kept/$run/"
for file in /etc/redis/*.conf; do cmp -s "$file" "/var/lib/redis-kept/$run/${file##*/}"; done; sync -f "/var/lib/redis-kept/$run"
case "$units" in *redis-server*)
  kept=/var/lib/redis/.kept-$run; mkdir -p -m 700 "$kept/appendonlydir"
  [ ! -f /var/lib/redis/dump.rdb ] || ln /var/lib/redis/dump.rdb "$kept/"
  for file in /var/lib/redis/appendonlydir/*; do
    case $file in *.base.rdb) ln "$file" "$kept/appendonlydir/" ;; *) cp -p "$file" "$kept/appendonlydir/" ;; esac
  done
  (cd /var/lib/redis && find dump.rdb appendonlydir -type f 2> /dev/null | xargs sha256sum) > "$kept/SUMS"
  (cd "$kept" && sha256sum --quiet -c SUMS); sync -f "$kept" ;;
esac'

# Rewrite: roles, and what Sentinel generated.
on "$SENTINELS" 'own=$(awk "/^bind/ { print \$2; exit }" /etc/redis/sentinel.conf)
change() { sed -E "$2" "$1" > "$1.new"; chown --reference="$1" "$1.new"; chmod --reference="$1" "$1.new"; sync "$1.new"; mv "$1.new" "$1"; sync "${1%/*}"; }
case "$units" in *redis-server*)
  if [ "$own" = "$master" ]; then change /etc/redis/redis.conf "/^(replicaof|slaveof) /d"
  else change /etc/redis/redis.conf "/^(replicaof|slaveof) /d; \$a replicaof $master 6379"; fi ;;
esac
change /etc/redis/sentinel.conf "/^sentinel (known-replica|known-slave|known-sentinel|config-epoch|leader-epoch|current-epoch) /d; s/^sentinel monitor $group .*/sentinel monitor $group $master 6379 $quorum/"
grep -q "^sentinel monitor $group $master 6379 $quorum\$" /etc/redis/sentinel.conf'

# Check: every config on the real parser, every data file to its end, and how many keys the master will load.
on "$SENTINELS" 'own=$(awk "/^bind/ { print \$2; exit }" /etc/redis/sentinel.conf)
sed -E "/^(logfile|pidfile|dir|daemonize|bind|sentinel myid) /d; s/^(sentinel monitor $group) .*/\1 127.0.0.1 1 $quorum/; /^sentinel known-/d" /etc/redis/sentinel.conf | try redis-sentinel
case "$units" in *redis-server*)
  sed -E "/^(logfile|pidfile|dir|daemonize|bind|replicaof|appendonly|supervised) /d" /etc/redis/redis.conf | try redis-server --appendonly no
  redis-check-aof /var/lib/redis/appendonlydir/*.manifest > /dev/null
  [ ! -f /var/lib/redis/dump.rdb ] || redis-check-rdb /var/lib/redis/dump.rdb > /dev/null ;;
esac'
on "$MASTER" 'd=$(mktemp -d); cp -r /var/lib/redis/appendonlydir "$d/"; chown -R redis: "$d"
(cd "$d" && exec unshare -n setpriv --reuid redis --regid redis --clear-groups redis-server --port 0 --unixsocket "$d/s" --appendonly yes --dir "$d" > "$d/out" 2>&1) &
until_in 1200 "redis-cli -s $d/s INFO persistence 2> /dev/null | grep -q loading:0"
redis-cli -s "$d/s" DBSIZE > /var/lib/redis-kept/$run/keys; { kill -9 $!; wait $!; } 2> /dev/null || true; rm -rf "$d"
[ "$(cat /var/lib/redis-kept/$run/keys)" -gt 0 ]'

# Start in order: the master behind a fence until its role and its data were seen, each replica, the sentinels.
on "$MASTER" 'rm -f /var/lib/redis-hold; let_go redis-server; systemctl start redis-server
until_in 1200 "[ \"\$(cli redis 6379 CLIENT PAUSE 5000 WRITE 2> /dev/null)\" = OK ]"
until_in 1200 "cli redis 6379 CLIENT PAUSE 5000 WRITE > /dev/null; [ \"\$(cli redis 6379 INFO persistence | field loading)\" = 0 ]"
[ "$(cli redis 6379 ROLE | head -n 1)" = master ]
[ "$(cli redis 6379 DBSIZE)" -ge "$(cat /var/lib/redis-kept/$run/keys)" ]
cli redis 6379 CLIENT UNPAUSE > /dev/null'
for replica in $REPLICAS; do
  on "$replica" 'rm -f /var/lib/redis-hold; let_go redis-server; systemctl start redis-server
until_in 1200 "[ \"\$(cli redis 6379 INFO replication | field master_link_status)\" = up ]"
at=$(redis-cli --no-auth-warning -h "$master" INFO replication | tr -d "\r" | field master_repl_offset)
until_in 1200 "[ \"\$(cli redis 6379 INFO replication | field slave_repl_offset)\" -ge $at ]"'
done
on "$SENTINELS" 'rm -f /var/lib/redis-hold; let_go redis-sentinel; systemctl start redis-sentinel
until_in 400 "[ \"\$(cli sentinel 26379 INFO sentinel | grep -c \"status=ok,address=$master:6379,slaves=2,sentinels=5\")\" = 1 ]"
cli sentinel 26379 SENTINEL CKQUORUM "$group" | grep -q "^OK 5"'

# Prove.
on "$MASTER" 'i=$(cli redis 6379 INFO replication); [ "$(printf "%s\n" "$i" | field connected_slaves)" = 2 ]; [ "$(printf "%s\n" "$i" | grep -c "state=online")" = 2 ]'
on "$SENTINELS" '[ "$(cli sentinel 26379 SENTINEL get-master-addr-by-name "$group" | head -n 1)" = "$master" ]
for unit in $units; do systemctl is-active -q "$unit"; [ ! -e "/etc/systemd/system/$unit.service.d/hold.conf" ]; done
! grep -E "^(replicaof|slaveof) " /etc/redis/redis.conf | grep -v " $master 6379"'
on "$SENTINELS" 'rm /var/lib/redis-lock'
echo proved
