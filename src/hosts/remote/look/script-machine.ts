/** The shell that runs on a host, third part: the machine, its services, and the tasks. See script-base.ts. */
export const scriptMachine = `# SUDO TASKS…
main() {
  say_host "$1"; shift
  case $(stat -c '%.9Y' / 2>/dev/null) in
    *[0-9].[0-9]*) LOOK_STAT=gnu ;;
    *) if stat -c %Y / >/dev/null 2>&1; then LOOK_STAT=busybox; else LOOK_STAT=bsd; fi ;;
  esac
  grep -aE x /dev/null; [ $? -lt 2 ] && LOOK_GREP=-aE || LOOK_GREP=-E
  LOOK_AS=
  if [ "$me" = 0 ]; then
    if setpriv --reuid 65534 --regid 65534 --clear-groups true; then LOOK_AS=setpriv
    elif command -v runuser >/dev/null; then LOOK_AS=runuser; fi
  fi
  export LOOK_STAT LOOK_GREP LOOK_AS
  while [ $# -gt 0 ]; do
    task=$1; count=$2; shift 2
    case $task in
      processes) processes ;;
      holder) holder "$1" ;;
      units) units "$1" ;;
      unit) unit "$1" "$2" ;;
      servers) servers "$1" ;;
      node) cwd=; [ -z "$4" ] || cwd=$(readlink "/proc/$4/cwd" && echo x) || cwd=
        part "$1" node "$2" "$3" "\${cwd%"\${nl}x"}" ;;
      data) part "$1" data "$2" "$3" "$4" "$5" ;;
      log) part "$1" log "$2" "$3" ;;
      state) part "$1" fetch "$2" "$2" refuse text ;;
      config) part "$1" fetch "$2" "$2" follow config ;;
      glob) part "$1" patterned "$2" ;;
      edges) part "$1" fetch "$2" "$2" refuse edges ;;
    esac
    shift "$count"
  done
  rec end; date +%s.%N
}

say_host() {
  rec host; date +%s.%N
  uname -srm
  init=other
  if [ -d /run/systemd/system ]; then init=systemd
  elif IFS= read -r one </proc/1/comm && [ "$one" = init ] && [ -f /etc/inittab ]; then init=sysvinit; fi
  printf '%s\\n' "$init" "$me"
  sudo=not-asked
  [ "$1" = no ] || [ "$me" = 0 ] || { if sudo=$(sudo -n /bin/sh -c : 2>&1); then sudo=yes; else sudo="no $sudo"; fi; }
  printf '%s\\n' "\${sudo%%"$nl"*}"
  h_ifs=$IFS; IFS=:
  for b in redis-server redis-sentinel redis-cli redis-check-rdb redis-check-aof valkey-server valkey-sentinel valkey-cli; do
    for d in $PATH; do [ -f "$d/$b" ] && [ -x "$d/$b" ] && { printf '%s\\n' "$d/$b"; break; }; done
  done
  IFS=$h_ifs
}

# PROGRAMS, one a line: names or paths; and the usual names
servers() {
  for each in redis-server valkey-server $1; do
    s_path=$(command -v "$each") && version_of "$s_path"
  done
}

# What a server program says of its version, once for each path. Only a program is asked: a script of that name might
# start a server. Never as root: whoever may write the program would be root.
told=
version_of() {
  case $nl$told in *"$nl$1$nl"*) return ;; esac
  told=$told$1$nl
  case \${1##*/} in *-sentinel) return ;; *redis*|*valkey*) ;; *) return ;; esac
  [ -f "$1" ] && IFS= read -r v_first <"$1" || return 0
  case $v_first in ?ELF*) ;; *) return ;; esac
  v_run=
  if [ "$me" = 0 ]; then
    case $LOOK_AS in
      setpriv) v_run='setpriv --reuid 65534 --regid 65534 --clear-groups' ;;
      runuser) v_run="runuser -u $(name_of 65534) --" ;;
      *) return 0 ;;
    esac
  fi
  say server "$1"
  $LOOK_LIMIT $v_run "$1" --version </dev/null | head -c 200
} 2>/dev/null

# UNITS, one a line
units() {
  if [ -d /run/systemd/system ]; then
    u_shown=$(systemctl show --no-pager -p Id,Names,Type,LoadState,ActiveState,SubState,MainPID,UnitFileState,FragmentPath,DropInPaths,ExecStart,User,Restart,TimeoutStopUSec -- $1)
    rec units; printf '%s\\n' "$u_shown"
    for u_path in $(printf '%s\\n' "$u_shown" | sed -n 's/^ExecStart={ path=\\([^ ;]*\\) .*/\\1/p'); do version_of "$u_path"; done
  fi
  for unit in $1; do
    [ -f "/etc/init.d/$unit" ] || continue
    rec script "$unit"
    printf '%s\\n' "/etc/init.d/$unit"
    set +f
    for link in /etc/rc[0-9S].d/S[0-9][0-9]"$unit"; do [ ! -e "$link" ] || printf '%s\\n' "$link"; done
    set -f
    u_path=$(sed -n 's|^DAEMON=\\(/[^ ;]*\\) *$|\\1|p' "/etc/init.d/$unit" | head -n 1)
    [ -z "$u_path" ] || { printf 'daemon %s\\n' "$u_path"; version_of "$u_path"; }
  done
}
`;
