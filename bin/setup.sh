#!/bin/sh
# Makes this tree ready to run on Debian or Ubuntu with nothing but Node and git: the packages, the build, redis-server,
# and the OpenSSH server and client (tests start servers of their own).
# Says what it is about to install before it does; says nothing when there is nothing to do; starts no daemon.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

check_node() {
  command -v node >/dev/null 2>&1 || fail 'Node is missing. Install Node 20.19 or newer, then try again.'
  command -v npm >/dev/null 2>&1 || fail 'npm is missing. It comes with Node; on Debian and Ubuntu: sudo apt-get install npm'
  node -e 'var v = process.versions.node.split("."); process.exit(v[0] > 20 || (v[0] == 20 && v[1] >= 19) ? 0 : 1)' ||
    fail "Node $(node --version) is too old: 20.19 or newer is needed."
}

install_packages() {
  stamp=node_modules/.package-lock.json
  if [ -f "$stamp" ] && [ -z "$(find package-lock.json package.json -newer "$stamp")" ]; then
    return 0
  fi
  say 'installing the npm packages of package-lock.json into node_modules'
  npm install --no-audit --no-fund --ignore-scripts --loglevel=error </dev/null >&2
  touch "$stamp"
}

build() {
  stamp=dist/.built
  if [ -f "$stamp" ] && [ -z "$(find src package.json tsconfig.json -newer "$stamp" | head -n 1)" ]; then
    return 0
  fi
  say 'building dist/'
  began=$(mktemp)
  if ! node_modules/.bin/tsc -p tsconfig.json >&2; then
    rm -f "$began"
    fail 'the build failed'
  fi
  # A file that was changed while tsc ran is newer than the stamp and is built again next time.
  touch -r "$began" "$stamp"
  rm -f "$began"
}

# Prints the prefix that makes a command run as root without a question; fails where there is none.
root_prefix() {
  if [ "$(id -u)" -eq 0 ]; then
    echo env
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    echo 'sudo -n env'
  else
    return 1
  fi
}

# $1: the packages, $2: the units that are off afterwards.
explain() {
  say "$1 is missing, and I may not install it here. As root:"
  say "  apt-get install --no-install-recommends $1 && systemctl disable --now $2"
  exit 1
}

# dpkg would start the daemon and enable it at boot. A policy-rc.d that says 101 (deny) keeps it from starting; one that
# is already there is somebody's decision and stays.
policy=/usr/sbin/policy-rc.d
policy_is_mine=no
as_root=

remove_policy() {
  if [ "$policy_is_mine" = yes ]; then
    $as_root rm -f "$policy"
    policy_is_mine=no
  fi
}

deny_starts() {
  [ ! -e "$policy" ] || return 0
  policy_is_mine=yes
  trap remove_policy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  $as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
}

has_unit() {
  for unit in $1; do
    ! [ -e "/lib/systemd/system/$unit.service" ] && ! [ -e "/etc/init.d/$unit" ] || return 0
  done
  return 1
}

# Ubuntu starts sshd by a socket unit, Debian does not have it: what is not there cannot be disabled.
keep_off() {
  for unit in $1; do
    if [ -d /run/systemd/system ]; then
      $as_root systemctl disable --now "$unit" >/dev/null 2>&1 || ! has_unit "$unit" || say "the unit $unit could not be disabled"
      continue
    fi
    if command -v systemctl >/dev/null 2>&1; then
      $as_root systemctl disable "$unit" >/dev/null 2>&1 || true
    fi
    if [ -e "/etc/init.d/$unit" ]; then
      $as_root update-rc.d "$unit" disable >/dev/null 2>&1 || true
      $as_root "/etc/init.d/$unit" stop >/dev/null 2>&1 || true
    fi
  done
}

# The packages are words: $1 is split on purpose.
apt_install() {
  # shellcheck disable=SC2086
  $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=120 $1 </dev/null >&2
}

has_program() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# need PACKAGES UNITS PROGRAM...: installs the packages unless all programs are there. When one of the
# units was there before, all stay as they were: somebody uses them.
need() {
  packages=$1
  units=$2
  shift 2
  missing=no
  for program in "$@"; do
    has_program "$program" || missing=yes
  done
  [ "$missing" = yes ] || return 0
  command -v apt-get >/dev/null 2>&1 || explain "$packages" "$units"
  as_root=$(root_prefix) || explain "$packages" "$units"
  say "installing the Debian packages $packages with apt-get, as root; no daemon is started and none is enabled"
  had_unit=no
  ! has_unit "$units" || had_unit=yes
  if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    $as_root apt-get update -q -o DPkg::Lock::Timeout=120 </dev/null >&2 || fail 'apt-get update failed'
  fi
  deny_starts
  if ! apt_install "$packages"; then
    say 'apt-get install failed; reading the package lists anew'
    $as_root apt-get update -q </dev/null >&2 || fail 'apt-get update failed'
    apt_install "$packages" || fail "apt-get install $packages failed"
  fi
  remove_policy
  [ "$had_unit" = yes ] || keep_off "$units"
  for program in "$@"; do
    has_program "$program" || fail "$program is still missing after its installation"
  done
}

check_node
install_packages
build
need redis-server redis-server redis-server
need 'openssh-server openssh-client' 'ssh ssh.socket' ssh sshd ssh-keygen ssh-agent
