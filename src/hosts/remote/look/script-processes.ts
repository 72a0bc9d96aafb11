/** The shell that runs on a host: its server processes, and what systemd says of one unit. See script-base.ts. */
export const scriptProcesses = `processes() {
  rec net; readlink /proc/self/ns/net
  while read -r key boot; do [ "$key" != btime ] || printf 'btime %s\\n' "$boot"; done </proc/stat
  [ -r /proc/1/comm ] || echo hidden
  rec sockets; grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null
  rec unix; grep ' 00010000 0001 [0-9A-F][0-9A-F]* *[0-9]* /' /proc/net/unix 2>/dev/null
  set +f
  for p in /proc/[0-9]*; do
    set -f
    IFS= read -r comm <"$p/comm" || continue
    case $comm in *redis*|*valkey*) process "$p" ;; esac
  done 2>/dev/null
  set -f
}

process() {
  IFS= read -r p_stat <"$1/stat" || return 0
  p_uid=
  while read -r key real uid rest; do [ "$key" != Uid: ] || { p_uid=$uid; break; }; done <"$1/status"
  rec process "\${1#/proc/}" "$p_uid"
  printf '%s\\0' "$p_stat"
  set +f; set -- "$1" "$1"/fd/*; set -f
  if [ $# -le 200 ]; then ls -l "$1/cwd" "$1/exe" "$1/ns/net" "$1/fd" || echo denied
  else
    # A busy server has a socket for each client; the listening ones are enough.
    inodes=$(awk '$4 == "0A" { print "socket:[" $10 "]" }' /proc/net/tcp)$nl$(awk '$4 == "0A" { print "socket:[" $10 "]" }' /proc/net/tcp6)$nl$(awk '$4 == "00010000" && $8 ~ "^/" { print "socket:[" $7 "]" }' /proc/net/unix)
    ls -l "$1/cwd" "$1/exe" "$1/ns/net"
    echo; echo "$1/fd:"
    ls -l "$1/fd" | grep -F -e 'socket:[none]' -e "\${inodes:-none}"
  fi
  printf '\\0'
  cat "$1/cmdline"
}

# INODES, one a line: who holds these sockets, whatever it is
holder() {
  for inode in $1; do
    h_fd=$(set +f; find /proc/[0-9]*/fd -lname "socket:\\[$inode\\]" 2>/dev/null)
    h_pid=\${h_fd#/proc/}; h_pid=\${h_pid%%/*}
    case $h_pid in ''|*[!0-9]*) continue ;; esac
    IFS= read -r comm <"/proc/$h_pid/comm" || comm='?'
    rec holder "$inode" "$h_pid"; printf '%s' "$comm"
    process "/proc/$h_pid"
  done 2>/dev/null
}

# UNIT PROPERTIES
unit() { rec unit; systemctl show --no-pager -p "$2" -- "$1" 2>&1; }
`;

/** The main part of a look at nothing else: it asks the host nothing that only files need. */
export const scriptBrief = `# TASKS…
main() {
  shift
  while [ $# -gt 0 ]; do
    task=$1; count=$2; shift 2
    case $task in
      processes) processes ;;
      holder) holder "$1" ;;
      unit) unit "$1" "$2" ;;
    esac
    shift "$count"
  done
  rec end
}
`;
