package io.ratissidecar.jepsen;

import java.util.ArrayList;
import java.util.List;

/**
 * What a checker found.
 *
 * @param problems in words; empty when all is well
 */
public record Verdict(List<String> problems) {
  private static final int MOST = 20;

  public Verdict {
    problems = List.copyOf(problems);
  }

  public boolean isValid() {
    return problems.isEmpty();
  }

  /** Gathers problems; after the first few it only counts, since they tend to have one cause. */
  static final class Builder {
    private final List<String> problems = new ArrayList<>();
    private int more;

    void add(String problem) {
      if (problems.size() < MOST) {
        problems.add(problem);
      } else {
        more++;
      }
    }

    Verdict build() {
      if (more > 0) {
        problems.add("… and " + more + " more");
      }
      return new Verdict(problems);
    }
  }
}
