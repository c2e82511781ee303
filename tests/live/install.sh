#!/usr/bin/env bash
# What the live tests talk to, from Debian's (or Ubuntu's) packages: engines, a registry, Compose v2.
# As root it installs what is missing; otherwise it names exactly what is missing and lets the other tests run.
set -uo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/stella-tests"
here() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

packages=()
here dockerd || packages+=(docker.io)
here docker-registry || packages+=(docker-registry)
here skopeo || packages+=(skopeo)
here ip || packages+=(iproute2)
here iptables || packages+=(iptables)
here unshare && here setpriv || packages+=(util-linux)
# a busybox that needs no library: it becomes the only file of the test images
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || packages+=(busybox-static)

compose() {
    local place
    for place in /usr/libexec/docker/cli-plugins/docker-compose /usr/lib/docker/cli-plugins/docker-compose \
        /usr/local/lib/docker/cli-plugins/docker-compose "$cache/compose/usr/libexec/docker/cli-plugins/docker-compose"; do
        [ -x "$place" ] && "$place" version --short 2>/dev/null | grep -qE '^v?[2-9]\.' && return 0
    done
    return 1
}

# Debian 12 has Compose 1 only: the package of Debian 13 is unpacked (not installed) with lists and status of its own.
unpack_compose() {
    local apt="$cache/apt" mirror keyring
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$cache/compose"
    : >"$apt/status"
    mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n1 | tr -d ' ')
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -n "$mirror" ] && [ -f "$keyring" ] || return 1
    echo "deb [signed-by=$keyring] $mirror trixie main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
CONF
    (export APT_CONFIG="$apt/apt.conf" && apt-get -qq update && cd "$apt/cache/archives" &&
        apt-get -qq download docker-compose && for file in docker-compose_*.deb; do dpkg-deb -x "$file" "$cache/compose"; done)
}

if [ "$(id -u)" != 0 ]; then
    compose || packages+=("docker-compose (version 2)")
    [ ${#packages[@]} = 0 ] || echo "live tests need these packages: ${packages[*]}" >&2
    echo "live tests are skipped: they need root, for engines in namespaces of their own" >&2
    exit 0
fi
if ! here apt-get; then
    [ ${#packages[@]} = 0 ] && compose || { echo "no apt-get; live tests need: ${packages[*]} and Compose 2" >&2; exit 0; }
    exit 0
fi
if [ ${#packages[@]} != 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    # a test machine needs the programs only: no engine or registry of the system's own is started
    guard=
    if [ ! -e /usr/sbin/policy-rc.d ]; then printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && guard=1; fi
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends "${packages[@]}" >/dev/null || echo "could not install: ${packages[*]}" >&2
    [ -z "$guard" ] || rm -f /usr/sbin/policy-rc.d
fi
compose || apt-get -qq install -y --no-install-recommends docker-compose-v2 >/dev/null 2>&1 || unpack_compose
compose || echo "could not get Compose 2; its live tests are skipped" >&2
exit 0
