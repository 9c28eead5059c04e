package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.demo.Ledger.Kind;
import io.ratissidecar.cli.demo.Ledger.Outcome;
import io.ratissidecar.cli.demo.Ledger.Write;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compares what a Redis server holds with what the clients were told: each acknowledged write
 * exactly once, each unknown one at most once, nothing else.
 */
final class CheckVerifier {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int MOST_NAMED = 5;

  private final String run;
  private final List<Write> writes;

  CheckVerifier(String run, List<Write> writes) {
    this.run = run;
    this.writes = writes;
  }

  /**
   * What one Redis holds of this run.
   *
   * @param keys values of the single keys, null where there is none
   */
  record Contents(Map<Long, String> keys, List<String> list, long counter) {}

  /** Reads from a local Redis, past its sidecar. */
  Contents read(String redisAddress) throws IOException {
    RespEndpoint endpoint = RespEndpoint.parse(redisAddress, Optional.empty());
    try (BlockingRespClient redis = BlockingRespClient.connect(endpoint, TIMEOUT, TIMEOUT)) {
      Map<Long, String> keys = new HashMap<>();
      for (Write write : of(Kind.SET)) {
        keys.put(write.value(), redis.call("GET", CheckWriter.key(run, write.value())).asString());
      }
      List<String> list =
          redis.call("LRANGE", CheckWriter.list(run), "0", "-1").asList().stream()
              .map(RespValue::asString)
              .toList();
      RespValue counter = redis.call("GET", CheckWriter.counter(run));
      return new Contents(keys, list, counter.isNull() ? 0 : counter.asLong());
    }
  }

  private List<Write> of(Kind kind) {
    return writes.stream().filter(w -> w.kind() == kind).toList();
  }

  /** What is wrong with the contents, in words; empty when nothing is. */
  List<String> problems(Contents contents) {
    List<String> problems = new ArrayList<>();
    keys(contents.keys(), problems);
    list(contents.list(), problems);
    counter(contents.counter(), problems);
    if (problems.size() > MOST_NAMED) {
      int more = problems.size() - MOST_NAMED;
      problems.subList(MOST_NAMED, problems.size()).clear();
      problems.add("and " + more + " more");
    }
    return problems;
  }

  private void keys(Map<Long, String> keys, List<String> problems) {
    for (Write write : of(Kind.SET)) {
      String key = CheckWriter.key(run, write.value());
      String found = keys.get(write.value());
      if (found == null && write.outcome() == Outcome.ACKNOWLEDGED) {
        problems.add("the acknowledged key " + key + " is missing");
      } else if (found != null && !found.equals(Long.toString(write.value()))) {
        problems.add("the key " + key + " holds '" + found + "'");
      }
    }
  }

  private void list(List<String> list, List<String> problems) {
    Map<String, Integer> times = new HashMap<>();
    list.forEach(element -> times.merge(element, 1, Integer::sum));
    for (Write write : of(Kind.RPUSH)) {
      String element = Long.toString(write.value());
      Integer found = times.remove(element);
      if (found == null && write.outcome() == Outcome.ACKNOWLEDGED) {
        problems.add("the acknowledged element " + element + " is missing in the list");
      } else if (found != null && found > 1) {
        problems.add("the element " + element + " is in the list " + found + " times");
      }
    }
    times.keySet().forEach(e -> problems.add("nobody pushed the element '" + e + "'"));
  }

  private void counter(long counter, List<String> problems) {
    List<Write> increments = of(Kind.INCR);
    long acknowledged =
        increments.stream().filter(w -> w.outcome() == Outcome.ACKNOWLEDGED).count();
    if (counter < acknowledged || counter > increments.size()) {
      problems.add(
          "the counter is "
              + counter
              + " after "
              + acknowledged
              + " acknowledged and "
              + (increments.size() - acknowledged)
              + " unknown increments");
    }
    long distinct =
        increments.stream()
            .filter(w -> w.outcome() == Outcome.ACKNOWLEDGED)
            .map(Write::reply)
            .distinct()
            .count();
    if (distinct < acknowledged) {
      problems.add("two increments were told the same result");
    }
  }
}
