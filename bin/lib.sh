# Shared by the scripts beside it: finds or installs what they need.
# shellcheck shell=bash

fail() {
  echo "$*" >&2
  exit 1
}

# Installs Debian packages when that is possible; else says what is missing.
install_or_fail() {
  local what=$1
  shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $* ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >&2 ||
      fail "missing: $what; installing $* failed"
  else
    fail "missing: $what. Install it (Debian and Ubuntu: apt-get install $*), then run this again."
  fi
}

java_major() {
  "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1
}

require_java() {
  JAVA=java
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then
    JAVA="$JAVA_HOME/bin/java"
  fi
  local major
  major=$(java_major "$JAVA" 2>/dev/null || true)
  if [ -z "$major" ] || [ "$major" -lt 17 ]; then
    unset JAVA_HOME
    install_or_fail "JDK 17 or newer" openjdk-17-jdk-headless
    JAVA=java
  fi
}

require_maven() {
  command -v javac >/dev/null 2>&1 || [ -x "${JAVA_HOME:-/nonexistent}/bin/javac" ] ||
    install_or_fail "JDK 17 or newer (only a JRE was found)" openjdk-17-jdk-headless
  command -v mvn >/dev/null 2>&1 || install_or_fail "Maven" maven
}

require_redis() {
  if ! command -v redis-server >/dev/null 2>&1 || ! command -v redis-cli >/dev/null 2>&1; then
    # Keeps Debian from starting a server of its own on port 6379.
    install_or_fail "redis-server 7 and redis-tools" redis-server redis-tools
  fi
}

built_jar() {
  local jars=("$root"/cli/target/cli-*.jar)
  [ -e "${jars[0]}" ] && echo "${jars[0]}" || true
}

build_quietly() {
  local log
  log=$(mktemp)
  if ! (cd "$root" && mvn -q -B -pl cli -am -DskipTests -DskipITs package) >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "the build failed"
  fi
  rm -f "$log"
}
