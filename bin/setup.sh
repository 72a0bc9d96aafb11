#!/bin/sh
# Makes this tree ready to run on Debian or Ubuntu with nothing but Node and git: the packages, the build, redis-server.
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

explain_redis() {
  say 'redis-server is missing, and I may not install it here. As root:'
  say '  apt-get install --no-install-recommends redis-server && systemctl disable --now redis-server'
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

has_unit() { [ -e /lib/systemd/system/redis-server.service ] || [ -e /etc/init.d/redis-server ]; }

keep_off() {
  if [ -d /run/systemd/system ]; then
    $as_root systemctl disable --now redis-server >/dev/null 2>&1 || say 'the unit redis-server could not be disabled'
    return 0
  fi
  if command -v systemctl >/dev/null 2>&1; then
    $as_root systemctl disable redis-server >/dev/null 2>&1 || true
  fi
  if [ -e /etc/init.d/redis-server ]; then
    $as_root update-rc.d redis-server disable >/dev/null 2>&1 || true
    $as_root /etc/init.d/redis-server stop >/dev/null 2>&1 || true
  fi
}

apt_install() {
  $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=120 redis-server </dev/null >&2
}

install_redis() {
  if command -v redis-server >/dev/null 2>&1; then
    return 0
  fi
  command -v apt-get >/dev/null 2>&1 || explain_redis
  as_root=$(root_prefix) || explain_redis
  say 'installing the Debian package redis-server with apt-get, as root; its daemon is not started and not enabled'
  had_unit=no
  ! has_unit || had_unit=yes
  if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    $as_root apt-get update -q -o DPkg::Lock::Timeout=120 </dev/null >&2 || fail 'apt-get update failed'
  fi
  deny_starts
  if ! apt_install; then
    say 'apt-get install failed; reading the package lists anew'
    $as_root apt-get update -q </dev/null >&2 || fail 'apt-get update failed'
    apt_install || fail 'apt-get install redis-server failed'
  fi
  remove_policy
  [ "$had_unit" = yes ] || keep_off
  command -v redis-server >/dev/null 2>&1 || fail 'redis-server is still missing after its installation'
}

check_node
install_packages
build
install_redis
