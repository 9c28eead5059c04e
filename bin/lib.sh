# Shared by the scripts beside it: finds or installs what they need, and builds.
# They set $root, the directory above bin.
# shellcheck shell=bash

fail() {
  echo "$*" >&2
  exit 1
}

# Keeps Debian from starting a service that a package brings, such as a Redis on port 6379.
without_services() {
  local policy=/usr/sbin/policy-rc.d made='' code=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=yes
  fi
  "$@" || code=$?
  [ -z "$made" ] || rm -f "$policy"
  return "$code"
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

# Installs Debian packages when that is possible; else says what is missing.
install_or_fail() {
  local what=$1
  shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $* ..." >&2
    without_services apt_install "$@" >&2 || fail "missing: $what; installing $* failed"
  else
    fail "missing: $what. Install it (Debian and Ubuntu: apt-get install $*), then run this again."
  fi
}

java_major() {
  "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1
}

is_java_17() {
  local major
  major=$(java_major "$1" 2>/dev/null || true)
  [ -n "$major" ] && [ "$major" -ge 17 ]
}

# Sets JAVA: from JAVA_HOME if that is new enough, else from PATH.
require_java() {
  if [ -n "${JAVA_HOME:-}" ] && is_java_17 "$JAVA_HOME/bin/java"; then
    JAVA=$JAVA_HOME/bin/java
    return
  fi
  unset JAVA_HOME # Maven would use it
  JAVA=java
  if ! is_java_17 java; then
    install_or_fail "JDK 17 or newer" openjdk-17-jdk-headless
    is_java_17 java || fail "missing: JDK 17 or newer; 'java' is another one. Set JAVA_HOME."
  fi
}

# A JDK, not only what runs Java, and Maven. After require_java.
require_maven() {
  [ -x "${JAVA_HOME:-/nonexistent}/bin/javac" ] || command -v javac >/dev/null 2>&1 ||
    install_or_fail "JDK 17 or newer (only a Java runtime was found)" openjdk-17-jdk-headless
  command -v mvn >/dev/null 2>&1 || install_or_fail "Maven" maven
}

require_redis() {
  local program
  for program in redis-server redis-cli redis-benchmark; do
    if ! command -v "$program" >/dev/null 2>&1; then
      install_or_fail "redis-server 7 and redis-tools" redis-server redis-tools
      break
    fi
  done
  local major
  major=$(redis-server --version | sed -n 's/.* v=\([0-9]*\).*/\1/p')
  [ "${major:-0}" -ge 7 ] || fail "missing: redis-server 7 or newer; found: $(redis-server --version)"
}

# For tests with nodes whose clocks differ.
require_faketime() {
  command -v faketime >/dev/null 2>&1 || install_or_fail "faketime" faketime
}

# For tests with clients of the npm registry.
require_node() {
  if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    install_or_fail "Node.js 18 and npm" nodejs npm
  fi
  local major
  major=$(node --version | sed -n 's/^v\([0-9]*\).*/\1/p')
  [ "${major:-0}" -ge 18 ] || fail "missing: Node.js 18 or newer; found: $(node --version)"
}

# Programs run from a copy of what was built, so that a later build can't pull the jars away from
# under a process that runs.
current_image() {
  readlink -f "$root/cli/target/run/current" 2>/dev/null || true
}

is_up_to_date() {
  local image
  image=$(current_image)
  [ -n "$image" ] && [ -e "$image/built" ] && [ -z "$(
    find "$root/pom.xml" "$root"/*/pom.xml "$root"/*/src/main -newer "$image/built" -print -quit
  )" ]
}

# Builds when nothing is built, or when a source is newer. Of two at once, one builds and one waits.
ensure_built() {
  is_up_to_date && return
  require_maven
  (
    if command -v flock >/dev/null 2>&1; then
      flock 9
    fi
    is_up_to_date || build_image
  ) 9<"$root/bin"
}

build_image() {
  local log image
  log=$(mktemp)
  echo "Building ratis-sidecar (only when sources have changed) ..." >&2
  mkdir -p "$root/cli/target/run"
  image=$(mktemp -d "$root/cli/target/run/XXXXXX")
  touch "$image/built" # before the build: what is edited meanwhile is newer
  if ! (cd "$root" && mvn -q -B -pl cli -am -Dmaven.test.skip=true package </dev/null) >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$log" "$image"
    fail "the build failed"
  fi
  rm -f "$log"
  ln "$root"/cli/target/lib/*.jar "$image" 2>/dev/null || cp "$root"/cli/target/lib/*.jar "$image"
  # Ours change; a link would change with them.
  rm -f "$image"/*-SNAPSHOT.jar
  cp "$root"/cli/target/lib/*-SNAPSHOT.jar "$root"/cli/target/cli-*.jar "$image"
  ln -sfn "$image" "$root/cli/target/run/next"
  mv -fT "$root/cli/target/run/next" "$root/cli/target/run/current"
  find "$root/cli/target/run" -mindepth 1 -maxdepth 1 -type d -mtime +1 ! -path "$image" \
    -exec rm -rf {} +
}

# Sets directory. Nodes sync all the time, and no test cuts the power: in memory, where there is much of it.
choose_directory() {
  local needed=$((8 << 20)) free room
  free=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
  room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) || room=0
  if [ -w /dev/shm ] && [ "${free:-0}" -ge $needed ] && [ "${room:-0}" -ge $needed ]; then
    directory=$(mktemp -d /dev/shm/ratis-sidecar-test.XXXXXX)
    # Libraries are loaded from there, which a mount option may forbid.
    if cp "$(type -P true)" "$directory/executable" && "$directory/executable" 2>/dev/null; then
      return
    fi
    rm -rf "$directory"
  fi
  directory=$(mktemp -d)
}

# Sets classpath, of the integration tests and all that they use. Classes are copied to a directory:
# a later build must not change them under nodes that are started again.
build_tests() {
  local dir=$1 part parts
  echo "Building ..." >&2
  (cd "$root" && mvn -q -B -pl integration-tests -am test-compile dependency:build-classpath \
    -Dmdep.outputFile=target/classpath </dev/null) >"$dir/build.log" 2>&1 ||
    fail "$(cat "$dir/build.log")"
  IFS=: read -ra parts <<<"$(cat "$root/integration-tests/target/classpath")"
  classpath=
  for part in "$root/integration-tests/target/test-classes" "${parts[@]}"; do
    if [ -d "$part" ]; then
      cp -r "$part" "$dir/classes-${#classpath}"
      part=$dir/classes-${#classpath}
    fi
    classpath+=$part:
  done
}
