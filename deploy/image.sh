#!/usr/bin/env bash
# Builds the image into an archive, or runs the unit tests with what is in it.
#
#   deploy/image.sh build                 Dockerfile → $ARCHIVE (dist/syrette.tar), and its sizes
#   deploy/image.sh test [PYTEST ARG…]    the tests, in the image that was built before
#
# Uses docker or podman where one answers, else buildah, which it installs on Debian and Ubuntu when
# it runs as root. Where no registry can be reached, buildah gets a base of the same name from the
# distribution's own archive. IMAGE, BASE, ARCHIVE, VERSION and REVISION may be set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
IMAGE=${IMAGE:-localhost/syrette:dev}
BASE=${BASE:-docker.io/library/debian:trixie-slim}
ARCHIVE=${ARCHIVE:-dist/syrette.tar}
VERSION=${VERSION:-dev}
REVISION=${REVISION:-$(git rev-parse HEAD 2>/dev/null || true)}
TEST_IMAGE=localhost/syrette-test:dev
# All but the two packages that the image has itself.
MOUNTED=$(ls --almost-all | grep --invert-match --line-regexp --extended-regexp 'injector|webhook|dist|\..*')
scratch=$(mktemp --directory)
trap 'rm -rf "$scratch"' EXIT

engine() {
  for name in docker podman; do
    if command -v $name >/dev/null && $name info >/dev/null 2>&1; then
      echo $name
      return
    fi
  done
  echo buildah
}

install() { # command and package
  command -v "$1" >/dev/null && return
  echo "installing $1 with apt-get" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$1" >&2
}

base() { # an image of that name: here, from its registry, or made of the same packages
  buildah inspect --type image "$BASE" >/dev/null 2>&1 && return
  buildah pull --quiet "$BASE" >&2 && return
  install mmdebstrap
  local suite=${BASE##*:}
  echo "no registry: bootstrapping $BASE with mmdebstrap" >&2
  mmdebstrap --quiet --variant=minbase "${suite%-slim}" "$scratch/base.tar"
  printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' > "$scratch/Containerfile"
  buildah bud --quiet "${OPTIONS[@]}" --tag "$BASE" --file "$scratch/Containerfile" "$scratch" >&2
}

own_ca() { # where pip needs this machine's own CA, the build may read it; nothing of it stays
  local bundle
  bundle=$(python3 -m pip config list | sed -n "s/^.*\.cert='\(.*\)'$/\1/p" | head -n 1)
  [ -n "$bundle" ] || return 0
  printf '[global]\ncert = /run/host-ca.crt\n' > "$scratch/pip.conf"
  OPTIONS+=(--volume "$scratch/pip.conf:/etc/pip.conf:ro" --volume "$bundle:/run/host-ca.crt:ro")
}

build() { # tag, Dockerfile, further arguments
  local tag=$1 file=$2
  shift 2
  if [ "$ENGINE" = buildah ]; then
    buildah bud --pull-never --layers "${OPTIONS[@]}" "$@" --tag "$tag" --file "$file" .
  else
    "$ENGINE" build "$@" --tag "$tag" --file "$file" .
  fi
}

save() {
  mkdir -p "$(dirname "$ARCHIVE")"
  rm -f "$ARCHIVE"
  if [ "$ENGINE" = buildah ]; then
    buildah push --quiet "$IMAGE" "oci-archive:$ARCHIVE:$IMAGE"
  else
    "$ENGINE" save --output "$ARCHIVE" "$IMAGE"
  fi
}

run_tests() {
  local volumes=() name
  for name in $MOUNTED; do volumes+=(--volume "$PWD/$name:/syrette/$name:ro"); done
  if [ "$ENGINE" != buildah ]; then
    "$ENGINE" run --rm "${volumes[@]}" "$TEST_IMAGE" "$@"
    return
  fi
  local container status=0
  container=$(buildah from --pull-never "$TEST_IMAGE")
  buildah run "${volumes[@]}" "$container" -- \
    /syrette/bin/python3 -m pytest -p no:cacheprovider "$@" || status=$?
  buildah rm "$container" >/dev/null
  return $status
}

command=${1:-}
shift || true
ENGINE=$(engine)
OPTIONS=()
if [ "$ENGINE" = buildah ]; then
  # Works without namespaces of its own, as in a container that may not make any.
  export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
  OPTIONS=(--ulimit nofile=1024:1024)
  install buildah
  own_ca
  base
fi
case $command in
  build)
    build "$IMAGE" Dockerfile --build-arg "BASE=$BASE" --build-arg "VERSION=$VERSION" \
      --build-arg "REVISION=$REVISION"
    save
    python3 -m deploy.image_archive size "$ARCHIVE"
    ;;
  test)
    build "$TEST_IMAGE" deploy/image_test.Dockerfile --build-arg "BASE=$BASE" \
      --build-arg "IMAGE=$IMAGE"
    # What is in the image; the command line, the simulators and the chart are not. Left out besides:
    # a comparison with botocore's own data; volumes that only root can mount, with a program that
    # is not there; a shell that is not there, by which PostgreSQL starts and the page's commands
    # run as well; directories that their owner may not open (umask 0777 is 511), with which only
    # root can go on.
    left_out=(
      --ignore=tests/injector/providers/test_trimmed_data.py
      --ignore=tests/injector/files/test_full.py
      --ignore=tests/injector/vault/test_leases.py
      --ignore=tests/injector/vault/test_documented.py
      --ignore=tests/injector/vault/test_clock.py
      --ignore=tests/injector/vault/test_giving_back.py
      --ignore=tests/injector/main/test_vault.py
      --deselect=tests/webhook/server/test_program.py::test_without_a_standard_output_nobody_gets_our_lines
    )
    for mode in 256 288 292 384 416; do
      left_out+=("--deselect=tests/injector/files/test_publish.py::test_modes_are_what_was_asked_for[$mode-511]")
    done
    run_tests tests/contract tests/injector tests/webhook "${left_out[@]}" "$@"
    ;;
  *)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
