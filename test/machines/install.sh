#!/bin/sh
# Installs what booted test machines need: debootstrap, systemd-container (systemd-nspawn), iproute2, openssh-client, sudo and
# perl. As root, with apt. Says what it is about to install; silent when nothing is missing. None of them has a daemon
# that is needed, and none is started (systemd-container's units are for a running systemd only).
set -eu
export DEBIAN_FRONTEND=noninteractive

missing=
want() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
want debootstrap debootstrap
want systemd-nspawn systemd-container
want ip iproute2
want ssh openssh-client
want ssh-keygen openssh-client
want nsenter util-linux
want perl perl-base
want sudo sudo
[ -n "$missing" ] || exit 0

echo "machines: installing with apt-get:$missing (no daemon is started)" >&2
[ "$(id -u)" -eq 0 ] || { echo 'machines: this needs root' >&2; exit 1; }

# dpkg starts daemons unless a policy denies it; one that is already there is somebody's decision and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
install() {
  # shellcheck disable=SC2086
  apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 $missing </dev/null >&2
}
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get update -q </dev/null >&2
install || { apt-get update -q </dev/null >&2 && install; }
