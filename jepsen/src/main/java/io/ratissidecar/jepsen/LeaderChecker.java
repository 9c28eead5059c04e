package io.ratissidecar.jepsen;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Gathers who said to lead in which term; any thread. */
public final class LeaderChecker {
  private final Map<Long, TreeSet<Integer>> leaders = new TreeMap<>();

  /** A node said that it leads in this term. */
  public synchronized void observed(long term, int nodeId) {
    leaders.computeIfAbsent(term, t -> new TreeSet<>()).add(nodeId);
  }

  /** Terms with a leader that was seen. */
  public synchronized int terms() {
    return leaders.size();
  }

  /** At most one leader in each term. */
  public synchronized Verdict check() {
    List<String> problems = new ArrayList<>();
    leaders.forEach(
        (term, nodes) -> {
          if (nodes.size() > 1) {
            problems.add("term " + term + " has the leaders " + nodes);
          }
        });
    return new Verdict(problems);
  }
}
