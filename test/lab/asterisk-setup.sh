#!/bin/sh
# Builds a private Asterisk (22 or newer) for the live tests: Debian's unstable suite in a folder of its own.
# Debian 12 carries no Asterisk, a build from source takes over 20 minutes, this takes about two. Idempotent; needs root.
# Nothing of it is started, and nothing outside the cache folder is touched.
#
#   RINGFENCE_TEST_CACHE   where it goes (default ~/.cache/ringfence-tests)
#   RINGFENCE_TEST_MIRROR  Debian mirror (default: the one that debootstrap knows)
set -eu

cache="${RINGFENCE_TEST_CACHE:-$HOME/.cache/ringfence-tests}"
mirror="${RINGFENCE_TEST_MIRROR:-}"
root="$cache/asterisk"
marker=".ringfence-complete"
edition=1

version() {
  chroot "$root" asterisk -V
}

complete() {
  [ "$(cat "$root/$marker" 2>/dev/null)" = "$edition" ]
}

if complete; then
  echo "asterisk-setup: already there: $(version) in $root"
  exit 0
fi

if [ "$(id -u)" != 0 ]; then
  echo "asterisk-setup: building the Asterisk folder needs root (chroot); run it with sudo" >&2
  exit 1
fi
if ! command -v debootstrap >/dev/null; then
  echo "asterisk-setup: installing debootstrap"
  apt-get install -y --no-install-recommends debootstrap >/dev/null
fi

mkdir -p "$cache"
# Two test runs at once must not build two of them.
exec 9>"$cache/.asterisk-setup.lock"
flock 9
if complete; then
  echo "asterisk-setup: built meanwhile: $(version) in $root"
  exit 0
fi

# What a killed run left behind: the lock is ours, so nobody is building in there.
for left in "$cache"/.asterisk-build.*; do
  [ -d "$left" ] || continue
  umount "$left/proc" "$left/sys" 2>/dev/null || true
  rm -rf --one-file-system "$left"
done

build="$(mktemp -d "$cache/.asterisk-build.XXXXXX")"
cleanup() {
  umount "$build/proc" "$build/sys" 2>/dev/null || true
  rm -rf --one-file-system "$build"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
chmod 755 "$build"

echo "asterisk-setup: 1/3 debootstrap of Debian sid (about 90 s)"
if ! debootstrap --variant=minbase sid "$build" ${mirror:+"$mirror"} >"$cache/asterisk-setup.log" 2>&1; then
  tail -n 20 "$cache/asterisk-setup.log" >&2
  exit 1
fi

echo "asterisk-setup: 2/3 installing asterisk and its modules (about 30 s)"
# Exit 101 tells Debian's packages not to start their services.
printf '#!/bin/sh\nexit 101\n' >"$build/usr/sbin/policy-rc.d"
chmod 755 "$build/usr/sbin/policy-rc.d"
if ! DEBIAN_FRONTEND=noninteractive chroot "$build" \
  apt-get install -y --no-install-recommends asterisk asterisk-modules >>"$cache/asterisk-setup.log" 2>&1; then
  tail -n 20 "$cache/asterisk-setup.log" >&2
  exit 1
fi
rm -rf "$build"/var/cache/apt/archives/*.deb "$build"/var/lib/apt/lists/*
umount "$build/proc" "$build/sys" 2>/dev/null || true

echo "asterisk-setup: 3/3 moving it to $root"
# The marker is the last thing written: a folder without it is not used.
echo "$edition" >"$build/$marker"
rm -rf --one-file-system "$root"
mv "$build" "$root"
trap - EXIT
echo "asterisk-setup: $(version) in $root"
