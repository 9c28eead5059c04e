package io.ratissidecar.it;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Tells what grows over the time of a soak from what only goes up and down: the maximum of each
 * measure in the later half must not be much higher than the one in the first third. Any thread.
 */
final class Growth {
  private record Sample(String node, Measure measure, double atSeconds, long value) {}

  private final List<Sample> samples = new ArrayList<>();

  /**
   * @param atSeconds since the beginning
   */
  synchronized void add(String node, double atSeconds, Map<Measure, Long> values) {
    values.forEach((measure, value) -> samples.add(new Sample(node, measure, atSeconds, value)));
  }

  /**
   * What has grown, a line each.
   *
   * @param seconds how long it took
   */
  synchronized List<String> problems(double seconds) {
    List<String> problems = new ArrayList<>();
    for (String node : samples.stream().map(Sample::node).distinct().sorted().toList()) {
      for (Measure measure : Measure.values()) {
        long early = max(node, measure, 0, seconds / 3);
        long late = max(node, measure, seconds / 2, Double.MAX_VALUE);
        if (late > measure.limit(early)) {
          problems.add(
              String.format(
                  "%s: %s in the later half, after %s in the first third",
                  node, measure.format(late), measure.format(early)));
        }
      }
    }
    return problems;
  }

  private long max(String node, Measure measure, double from, double to) {
    return samples.stream()
        .filter(s -> s.node().equals(node) && s.measure() == measure)
        .filter(s -> s.atSeconds() >= from && s.atSeconds() <= to)
        .mapToLong(Sample::value)
        .max()
        .orElse(0);
  }

  /** The maxima of all nodes, in one line. */
  synchronized String maxima(double fromSeconds) {
    return Arrays.stream(Measure.values())
        .map(m -> m.format(max(m, fromSeconds)))
        .collect(Collectors.joining(", "));
  }

  /** The maximum of all nodes. */
  synchronized long max(Measure measure, double fromSeconds) {
    return samples.stream()
        .filter(s -> s.measure() == measure && s.atSeconds() >= fromSeconds)
        .mapToLong(Sample::value)
        .max()
        .orElse(0);
  }
}
