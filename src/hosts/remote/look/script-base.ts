/**
 * The shell that runs on a host, first part: how records are told apart, and with whose right a file is read. POSIX sh
 * and POSIX tools; where a tool differs (stat, grep -a) the script finds out which one is there. Comments are taken out
 * before it is sent.
 *
 * Nothing that comes from a file, a name or a process is ever a command or a word of one: values stand in quoted
 * variables, pathname expansion is off but in the three places that need it, and nothing is evaluated.
 */
export const scriptBegin = `# What is denied must be said in one language, and names must sort by their bytes.
LC_ALL=C; export LC_ALL; set -f; umask 077
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
nl='
'
# The marks between records come on standard input: an argument would show in ps, and whoever writes a file that is
# read here could then forge a record in it. One mark for each depth.
IFS= read -r marks
mark=\${marks%% *}; marks=\${marks#* }

rec() { printf '\\n%s %s\\n' "$mark" "$*"; }
say() { rec "$1"; printf '%s\\0' "$2"; }
`;

/** What a look at files needs beside: stat, users, and with whose right a file is read. */
export const scriptBase = `me=$(id -u)

st() {
  case $LOOK_STAT in
    gnu) stat $2 -c '%s %.9Y %.9Z %f %u %g %d %i' "$1" ;;
    busybox) stat $2 -c '%s %Y %Z %f %u %g %d %i' "$1" ;;
    *) stat $2 -f '%z %Fm %Fc %Xp %u %g %d %i' "$1" ;;
  esac 2>&1
}

gid_of() {
  while IFS=: read -r g_name g_x g_uid g_gid g_rest; do
    [ "$g_uid" = "$1" ] && { echo "$g_gid"; return; }
  done </etc/passwd
  echo 65534
}
name_of() {
  while IFS=: read -r g_name g_x g_uid g_rest; do
    [ "$g_uid" = "$1" ] && { echo "$g_name"; return; }
  done </etc/passwd
}

# "checked" sets "who", "writer" prints: uid:gid of whoever but root can swap what stands in this directory, or one above it, for a link; nothing when
# only root can. Asked from inside the directory: a name on the way cannot be swapped any more.
safe=
checked() {
  case $nl$safe in *"$nl$PWD$nl"*) who=; return ;; esac
  who=$(writer)
  [ -n "$who" ] || safe=$safe$PWD$nl
}
writer() {
  w_at=$PWD; w_up=.; w_list=.; w_left=1
  while [ -n "$w_at" ] && [ "$w_at" != / ]; do
    w_at=\${w_at%/*}; w_up=$w_up/..; w_list="$w_list $w_up"; w_left=$((w_left + 1))
  done
  stat -c '%u %g %a' $w_list 2>/dev/null | {
    w_here=1
    while read -r w_uid w_gid w_mode; do
      w_left=$((w_left - 1))
      [ "$w_uid" = 0 ] || { echo "$w_uid:$(gid_of "$w_uid")"; exit; }
      case $w_here$w_mode in
        0[1357]???) ;;
        *[2367]) echo 65534:65534; exit ;;
        *[2367]?) 
          [ "$w_gid" = 0 ] || { echo "65534:$w_gid"; exit; }
          # With an access list these bits are what it may grant at most, to anybody.
          if ls -ld $w_list | grep -q '^..........+'; then echo 65534:65534; exit; fi ;;
      esac
      w_here=0
    done
    [ "$w_left" = 0 ] || echo 65534:65534
  }
}

# Runs a part of this look with the right of another user. What that user's process says may be a lie: it is framed with
# a mark that the user never sees, and counts for its own files only.
as() {
  rec sub "$1"
  a_uid=\${1%:*}; a_gid=\${1#*:}; shift
  if [ "$LOOK_AS" = setpriv ]; then
    printf '%s\\n' "$marks" | setpriv --reuid "$a_uid" --regid "$a_gid" --clear-groups sh -c "$LOOK" sh "$@"
  elif [ "$LOOK_AS" = runuser ] && a_name=$(name_of "$a_uid") && [ -n "$a_name" ]; then
    printf '%s\\n' "$marks" | runuser -u "$a_name" -- sh -c "$LOOK" sh "$@"
  fi 2>/dev/null | head -c "$LOOK_PART"
}

part() { # INDEX COMMAND ARGS
  rec part "$1"; shift
  ( mark=\${marks%% *}; marks=\${marks#* }; "$@"; rec done ) 2>/dev/null | head -c "$LOOK_PART"
}
`;
