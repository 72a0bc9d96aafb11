# check.sh: what is on this machine, said by nothing but a shell, ps, the service manager and the server's own client.
# Runs as root through plain ssh. Variables set before it: family, address, password, group, units.
printf '== files\n'
find "/etc/$family" "/var/lib/$family" /etc/systemd/system/"$family"-* /run/systemd/system/"$family"-* \
  /lib/systemd/system/"$family"-* /etc/init.d/"$family"-* /etc/default/"$family"-* /var/lib/redis-runbook \
  -type f 2>/dev/null | sort | while read -r file; do
  printf '%s %s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(stat -c '%s %a %U:%G %Y' "$file")" "$file"
done
printf '== processes\n'
ps -eo pid=,user:32=,args= | grep -E "^ *[0-9]+ +[^ ]+ +[^ ]*$family-(server|sentinel)( |\$)"
printf '== units\n'
for unit in $units; do
  if [ -d /run/systemd/system ]; then
    enabled=$(systemctl is-enabled "$unit" 2>/dev/null)
    printf '%s %s %s\n' "$unit" "$(systemctl is-active "$unit")" "${enabled:-missing}"
  else
    active=inactive enabled=disabled
    if "/etc/init.d/$unit" status >/dev/null 2>&1; then active=active; fi
    for link in /etc/rc2.d/S*"$unit"; do if [ -e "$link" ]; then enabled=enabled; fi; done
    printf '%s %s %s\n' "$unit" "$active" "$enabled"
  fi
done
printf '== links\n'
find /etc/systemd/system /etc/rc?.d -type l -name "*$family*" -printf '%p %l\n' 2>/dev/null | sort
printf '== roles\n'
grep -Hi '^[[:blank:]]*\(replicaof\|slaveof\|sentinel[[:blank:]]\{1,\}monitor\)[[:blank:]]' "/etc/$family/$family.conf" "/etc/$family/sentinel.conf" 2>/dev/null
cli() { REDISCLI_AUTH=$password timeout 5 "$family-cli" --no-auth-warning -h "$address" "$@" 2>/dev/null | tr -d '\r'; }
printf '== redis\n'
cli -p 6379 INFO replication
cli -p 6379 INFO keyspace
printf '== sentinel\n'
password='' cli -p 26379 SENTINEL MASTER "$group"
printf '== end\n'
