/** The words of a config file that say where more files are, as "name value" lines; good enough for quoted words without escapes. */
const words = `BEGIN { n = split("include dir dbfilename appendfilename appenddirname logfile", a, " "); for (i = 1; i <= n; i++) want[a[i]] = 1 }
{ sub(/^[ \\t\\r\\v\\f]+/, ""); sub(/[ \\t\\r\\v\\f]+$/, "") }
/^#/ { next }
{ name = tolower($1); if (!(name in want) || ++told > 1000) next
  rest = substr($0, length($1) + 1); sub(/^[ \\t\\r\\v\\f]+/, "", rest)
  c = substr(rest, 1, 1)
  if (c == "\\"") { word = rest; sub(/^"/, "", word); if (word !~ /"$/) next; sub(/"$/, "", word); if (word ~ /["\\\\]/) next }
  else if (c == "\\047") { word = rest; sub(/^\\047/, "", word); if (word !~ /\\047$/) next; sub(/\\047$/, "", word); if (word ~ /[\\047\\\\]/) next }
  else { word = rest; if (word ~ /[ \\t"\\047]/) next }
  if (word != "" && word !~ /[\\001-\\037]/) print name " " word }`;

/** The shell that runs on a host, second part: a node's files. See script-base.ts. */
export const scriptFiles = `LOOK_WORDS='${words}'
# LABEL PATH LINKS ACTION: says the stat of a path, opens it as 3 when it is a regular file, and calls ACTION. A link is
# followed only when whoever made it could read its target anyway. Nothing that is no regular file is opened.
fetch() {
  f_label=$1; f_path=$2; f_links=$3; f_action=$4
  f_dir=\${f_path%/*}; f_name=./\${f_path##*/}
  cd -P "\${f_dir:-/}" 2>/dev/null || { say stat "$f_label"; st "$f_path" ''; return; }
  if [ "$me" = 0 ]; then
    checked
    [ -z "$who" ] || { as "$who" fetch "$@"; return; }
  fi
  f_stat=$(st "$f_name" '') || { say stat "$f_label"; printf %s "$f_stat"; return; }
  say stat "$f_label"; printf %s "$f_stat"
  [ "$f_action" != no ] || return 0
  set -- $f_stat
  case $4 in
    8???) { $f_action; } 2>/dev/null 3<"$f_name" ;;
    [aA]???) [ "$f_links" = refuse ] || follow "$5" ;;
  esac
}

follow() {
  l_stat=$(st "$f_name" -L); l_fine=$?
  say target "$f_label"; printf %s "$l_stat"
  [ "$l_fine" = 0 ] || return 0
  l_uid=$1
  set -- $l_stat
  [ "$l_uid" = 0 ] || [ "$l_uid" = "$me" ] || [ "$l_uid" = "$5" ] || return 0
  l_real=$(readlink -f "$f_name" && echo x) || return 0
  fetch "$f_label" "\${l_real%"\${nl}x"}" refuse "$f_action"
}

# The stat of what was opened, not of what has the name now.
opened() {
  o_stat=$(st /proc/self/fd/3 -L) || return 1
  say open "$f_label"; printf %s "$o_stat"
  set -- $o_stat
  o_size=$1
  case $4 in 8???) ;; *) return 1 ;; esac
}

text() {
  opened || return
  say 'bytes 0' "$f_label"
  head -c "$LOOK_TEXT" <&3
}

# dd of whole blocks: it seeks, whatever the size; the reader cuts at the byte.
edges() {
  opened || return
  say 'bytes 0' "$f_label"
  dd bs="$LOOK_EDGE" count=1 <&3 2>/dev/null
  [ "$o_size" -gt "$LOOK_EDGE" ] || return 0
  e_from=$((o_size - LOOK_EDGE)); [ "$e_from" -gt "$LOOK_EDGE" ] || e_from=$LOOK_EDGE
  e_block=$((e_from / LOOK_EDGE))
  say "bytes $((e_block * LOOK_EDGE))" "$f_label"
  dd bs="$LOOK_EDGE" skip="$e_block" count=2 2>/dev/null </proc/self/fd/3
}

config() {
  text || return
  got=1
  [ "$o_size" -le "$LOOK_TEXT" ] || return 0
  words=$(awk "$LOOK_WORDS" /proc/self/fd/3)
}

list() {
  text
  [ "$o_size" -le "$LOOK_TEXT" ] || return 0
  listed=$(awk '
    { name = ""; type = ""
      for (i = 1; i < NF; i += 2) { if (tolower($i) == "file") name = $(i + 1); if (tolower($i) == "type") type = $(i + 1) }
      gsub(/"/, "", name)
      if (name == "" || name ~ /\\// || n >= 300) next
      names[++n] = name; types[n] = type; if (type ~ /^i/) last = n }
    END { for (i = 1; i <= n; i++) print ((types[i] ~ /^b/ || i == last) ? "edges " : "no ") names[i] }' /proc/self/fd/3)
}

# BASE VALUE: sets "place"
place() {
  p_value=$2
  while :; do case $p_value in ./*) p_value=\${p_value#./} ;; *) break ;; esac; done
  case $p_value in /*) place=$p_value ;; .) place=$1 ;; *) place=\${1%/}/$p_value ;; esac
  [ "$place" = / ] || place=\${place%/}
}

# PATTERN: sets "globbed" to what it names, one a line; a name with a line end in it is said, not followed. Pathname
# expansion of the shell does what glob(3) does; nothing else is expanded.
globbing() {
  globbed=
  say glob "$1"
  g_ifs=$IFS; IFS=; set +f
  set -- $1
  set -f; IFS=$g_ifs
  g_left=101
  for g_path; do
    [ -e "$g_path" ] || [ -L "$g_path" ] || continue
    [ "$g_left" -gt 0 ] || break
    g_left=$((g_left - 1))
    printf '%s\\0' "$g_path"
    case $g_path in *"$nl"*) ;; *) globbed=$globbed$g_path$nl ;; esac
  done
}

# PATHS, one a line: reads each as a config file and puts its words in front of the queue.
include() {
  i_words=; i_paths=$1
  while [ -n "$i_paths" ]; do
    i_path=\${i_paths%%"$nl"*}; i_paths=\${i_paths#*"$nl"}
    case $nl$taken in *"$nl$i_path$nl"*) continue ;; esac
    [ "$files" -gt 0 ] || break
    files=$((files - 1)); taken=$taken$i_path$nl; words=
    fetch "$i_path" "$i_path" follow config
    i_words=$i_words$words$nl
  done
  queue=$i_words$queue
}

# PATTERN: what an include names that the words above did not find
patterned() { globbing "$1"; queue=; files=101; taken=; include "$globbed"; }

# KIND CONFIG CWD: a config file, what it includes, and the data and log that these name. As root: with the right of
# whoever may write the config, so that no include names a file that its writer could not read.
node() {
  if [ "$me" = 0 ] && cd -P "\${2%/*}/" 2>/dev/null; then
    checked
    if [ -z "$who" ]; then
      uid=$(stat -L -c %u "./\${2##*/}" 2>/dev/null)
      case $uid in ''|0) ;; *) who=$uid:$(gid_of "$uid") ;; esac
    fi
    [ -z "$who" ] || { as "$who" node "$@"; return; }
  fi
  kind=$1; base=\${2%/*}; db=dump.rdb; af=appendonly.aof; ad=appendonlydir; logfile=
  files=101; taken=$2$nl; words=; got=
  fetch "\${base:-/}" "\${base:-/}" refuse no
  fetch "$2" "$2" follow config
  [ -n "$got" ] || { free /; return; }
  queue=$words; follow_words
  [ "$kind" = redis ] && data "$base" "$db" "$af" "$ad"
  [ "$kind" = redis ] || { fetch "$base" "$base" refuse no; free "$base"; }
  [ "$kind" != redis ] || [ -z "$3" ] || [ "$3" = "$base" ] || data "$3" "$db" "$af" "$ad"
  [ -z "$logfile" ] || { place "$base" "$logfile"; log "$kind" "$place"; }
}

follow_words() {
  while [ -n "$queue" ]; do
    line=\${queue%%"$nl"*}
    case $queue in *"$nl"*) queue=\${queue#*"$nl"} ;; *) queue= ;; esac
    value=\${line#* }
    case $line in
      'dir '*) place "$base" "$value"; base=$place ;;
      'dbfilename '*) db=$value ;;
      'appendfilename '*) af=$value ;;
      'appenddirname '*) ad=$value ;;
      'logfile '*) logfile=$value ;;
      'include '*)
        place "$base" "$value"
        case $value in *[*?[]*) globbing "$place"; include "$globbed" ;; *) include "$place$nl" ;; esac ;;
    esac
  done
}

# DIR DBFILENAME APPENDFILENAME APPENDDIRNAME
data() {
  if [ "$me" = 0 ] && cd -P "$1/" 2>/dev/null; then
    checked
    [ -z "$who" ] || { as "$who" data "$@"; return; }
  fi
  fetch "$1" "$1" refuse no
  fetch "$1/$2" "$1/$2" refuse edges
  fetch "$1/$3" "$1/$3" refuse edges
  listed=
  fetch "$1/$4/$3.manifest" "$1/$4/$3.manifest" refuse list
  while [ -n "$listed" ]; do
    line=\${listed%%"$nl"*}
    case $listed in *"$nl"*) listed=\${listed#*"$nl"} ;; *) listed= ;; esac
    fetch "$1/$4/\${line#* }" "$1/$4/\${line#* }" refuse "\${line%% *}"
  done
  leftovers "$1"; leftovers "$1/$4"; free "$1"
}

leftovers() {
  cd -P "$1/" 2>/dev/null || return 0
  say names "$1"
  set +f; set -- "$1" ./temp-*.rdb ./temp-*.aof ./temp-*.manifest; set -f
  t_dir=$1; shift
  t_left=100
  for t_name; do
    [ -e "$t_name" ] || [ -L "$t_name" ] || continue
    [ "$t_left" -gt 0 ] || break
    t_left=$((t_left - 1))
    printf '%s\\0' "\${t_name#./}"
  done
  t_left=100
  for t_name; do
    case $t_name in *[*]*) cd -P "$t_dir/" && [ -e "$t_name" ] || continue ;; esac
    [ "$t_left" -gt 0 ] || break
    t_left=$((t_left - 1))
    fetch "$t_dir/\${t_name#./}" "$t_dir/\${t_name#./}" refuse no
  done
}

free() {
  cd -P "$1/" 2>/dev/null || return 0
  say free "$1"
  df -P -k . 2>/dev/null
}

# KIND PATH: the log, then its rotated files
log() {
  case $1 in redis) pattern=$LOOK_REDIS ;; *) pattern=$LOOK_SENTINEL ;; esac
  if [ "$me" = 0 ] && cd -P "\${2%/*}/" 2>/dev/null; then
    checked
    [ -z "$who" ] || { as "$who" log "$@"; return; }
  fi
  fetch "$2" "$2" follow evidence
  cd -P "\${2%/*}/" 2>/dev/null || return 0
  r_dir=\${2%/*}; r_log=\${2##*/}; r_left=20
  set +f; set -- ./"$r_log".[0-9]* ./"$r_log"-[0-9]*; set -f
  say rotated "$r_dir/$r_log"
  for r_name; do [ ! -e "$r_name" ] || printf '%s\\0' "\${r_name#./}"; done
  for r_name; do
    cd -P "$r_dir/" && [ -e "$r_name" ] || continue
    case \${r_name#./"$r_log"} in *[!0-9.gz-]*) continue ;; esac
    [ "$r_left" -gt 0 ] || break
    r_left=$((r_left - 1))
    fetch "$r_dir/\${r_name#./}" "$r_dir/\${r_name#./}" follow evidence
  done
}

lines() { cut -b 1-8192 | tail -c 2097152; }

evidence() {
  opened || return
  skip=0
  case $f_label in
    *.gz) source=zipped ;;
    *) if [ "$o_size" -le 1048576 ] && [ "$o_size" -le "$LOOK_LOG" ]; then small_log; return; fi
      source=skipped
      [ "$o_size" -le "$LOOK_LOG" ] || skip=$(((o_size - LOOK_LOG) / 65536)) ;;
  esac
  say "matches $((skip * 65536))" "$f_label"; $source | grep "\${LOOK_GREP}n" -e "$pattern" | tail -n 20000 | lines
  say lines "$f_label"; $source | grep -c ''
  say tail "$f_label"; $source | tail -n "$LOOK_TAIL" | lines
}
# The usual log, with fewer processes; it is too small for a line to be too long.
small_log() {
  say 'matches 0' "$f_label"; grep "\${LOOK_GREP}n" -e "$pattern" /proc/self/fd/3
  say lines "$f_label"; grep -c '' /proc/self/fd/3
  say tail "$f_label"; tail -n "$LOOK_TAIL" <&3
}
skipped() { dd bs=65536 skip="$skip" </proc/self/fd/3 2>/dev/null; }
zipped() { gzip -dc </proc/self/fd/3 2>/dev/null | head -c "$LOOK_LOG"; }
`;
