#!/usr/bin/env bash
# What the live tests talk to, from Debian's (or Ubuntu's) packages: engines, registries, Compose v2.
# As root it installs what is missing; otherwise it names exactly what is missing and lets the other tests run.
#   install.sh --all        also unpacks cosign, and builds the registry with /referrers/ (half a minute of two cores)
#   install.sh --dry-run    says what it would do, and does nothing
set -uo pipefail

dry= all=
for word in "$@"; do
    case "$word" in --dry-run) dry=1 ;; --all) all=1 ;; *) echo "install.sh [--all] [--dry-run]" >&2 && exit 2 ;; esac
done
machine="${STELLA_TESTS_MACHINE:-}" # another root folder to look at, for the test of this script
user="${STELLA_TESTS_UID:-$(id -u)}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/stella-tests"
source_of_registry="$(cd "$(dirname "$0")" && pwd)/referrers_registry.go"
plugins="$machine/usr/libexec/docker/cli-plugins $machine/usr/lib/docker/cli-plugins $machine/usr/local/lib/docker/cli-plugins"

run() { if [ -n "$dry" ]; then echo "would run: $*"; else "$@"; fi; }
here() {
    local folder
    for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do [ -x "$machine$folder/$1" ] && return 0; done
    [ -z "$machine" ] && command -v "$1" >/dev/null 2>&1
}
system() { # ID and major version, for example: debian 12
    (ID=unknown VERSION_ID=0 && . "$machine/etc/os-release" 2>/dev/null && echo "$ID ${VERSION_ID%%.*}") || echo "unknown 0"
}
compose() {
    local folder
    for folder in $plugins "$cache/compose/usr/libexec/docker/cli-plugins"; do
        [ -x "$folder/docker-compose" ] && "$folder/docker-compose" version --short 2>/dev/null | grep -qE '^v?[2-9]\.' && return 0
    done
    return 1
}
referrers() { [ -z "$all" ] || [ -x "$cache/referrers/registry" ]; }
cosign() { [ -z "$all" ] || here cosign || [ -x "$cache/cosign/usr/bin/cosign" ]; }

packages=()
here dockerd || packages+=(docker.io)
here docker-registry || packages+=(docker-registry)
here skopeo || packages+=(skopeo)
here ip || packages+=(iproute2)
here iptables || packages+=(iptables)
{ here unshare && here setpriv; } || packages+=(util-linux)
# a busybox that needs no library: it becomes the only file of the test images
{ [ -x "$machine/bin/busybox" ] && ! ldd "$machine/bin/busybox" >/dev/null 2>&1; } || packages+=(busybox-static)

# Packages of Debian 13 on Debian 12, unpacked below the cache with lists and status of their own: nothing is installed.
unpack() { # folder, packages…
    local into="$cache/$1" apt="$cache/apt" mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    shift
    if [ -n "$dry" ]; then echo "would unpack from Debian 13 into $into: $*"; return 0; fi
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$into"
    : >"$apt/status"
    mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
        grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n1 | tr -d ' ')
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
    (export APT_CONFIG="$apt/apt.conf" && rm -f "$apt/cache/archives/"*.deb && apt-get -qq update && cd "$apt/cache/archives" &&
        apt-get -qq download "$@" && for file in *.deb; do dpkg-deb -x "$file" "$into" || exit 1; done)
}

install() { # packages…: all at once, or, when one cannot be had, one by one, so that the others are there
    run apt-get -qq install -y --no-install-recommends "$@" >&"$out" && return 0
    local one failed=()
    for one in "$@"; do run apt-get -qq install -y --no-install-recommends "$one" >&"$out" || failed+=("$one"); done
    [ ${#failed[@]} = 0 ] || echo "could not install: ${failed[*]}" >&2
}

get_compose() {
    case "$(system)" in
    ubuntu\ *) run apt-get -qq install -y --no-install-recommends docker-compose-v2 >&"$out" ;;
    debian\ 12) unpack compose docker-compose ;; # its own package is Compose 1
    *) run apt-get -qq install -y --no-install-recommends docker-compose >&"$out" ;;
    esac
}

get_referrers() { # a registry that serves /referrers/: a library of Debian 13, with a main of ours around it
    local go="$cache/go/usr" path=src/github.com/google/go-containerregistry/pkg/registry/tls.go
    case "$(system)" in debian\ 12 | debian\ 13) ;; *) return 1 ;; esac
    unpack go golang-1.24-go golang-1.24-src golang-github-google-go-containerregistry-dev || return 1
    if [ -n "$dry" ]; then echo "would build $cache/referrers/registry"; return 0; fi
    rm -f "$go/share/gocode/$path" # it wants packages that we do not need
    mkdir -p "$cache/referrers"
    env GOROOT="$go/lib/go-1.24" GOPATH="$go/share/gocode" GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0 \
        GOCACHE="$cache/gocache" "$go/lib/go-1.24/bin/go" build -o "$cache/referrers/registry" "$source_of_registry" &&
        rm -rf "$cache/go" "$cache/gocache"
}

if [ "$user" != 0 ]; then
    compose || packages+=("Compose 2 (docker-compose-v2 on Ubuntu, docker-compose on Debian 13)")
    if [ ${#packages[@]} != 0 ]; then
        printf 'live tests need packages that are not here:' >&2
        printf ' %s;' "${packages[@]}" >&2
        echo >&2
    fi
    echo "live tests are skipped: user $user is not root, and each engine needs namespaces of its own; all others run" >&2
    exit 0
fi
if ! here apt-get; then
    compose || packages+=("Compose 2")
    [ ${#packages[@]} = 0 ] || echo "there is no apt-get here; live tests need: ${packages[*]}" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
exec {out}>/dev/null
[ -z "$dry" ] || exec {out}>&1
if [ ${#packages[@]} != 0 ] || ! compose || ! referrers || ! cosign; then run apt-get -qq update; fi
if [ ${#packages[@]} != 0 ]; then
    # a test machine needs the programs only: no engine or registry of the system's own is started
    guard=
    if [ -z "$dry" ] && [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && guard=1
    fi
    install "${packages[@]}"
    [ -z "$guard" ] || rm -f /usr/sbin/policy-rc.d
fi
compose || get_compose
[ -n "$dry" ] || compose || echo "could not get Compose 2: the live tests that use it are skipped" >&2
cosign || unpack cosign cosign || echo "could not get cosign: the live test that uses it is skipped" >&2
referrers || get_referrers || echo "could not get a registry with /referrers/: the live test that uses it is skipped" >&2
exit 0
