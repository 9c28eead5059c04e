package io.ratissidecar.sidecar.digest;

import io.ratissidecar.snapshot.RdbDigest;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The nodes' data behind one entry, as one node has come to know it. On the front loop. */
public final class Comparison {
  private final long index;
  private final Map<Integer, RdbDigest> digests = new TreeMap<>();
  private final Set<Integer> without = new HashSet<>();
  private final CompletableFuture<Comparison> done = new CompletableFuture<>();
  private Optional<RdbDigest> own = Optional.empty();
  private Verdict verdict = Verdict.OPEN;

  Comparison(long index) {
    this.index = index;
  }

  /** The entry. */
  public long index() {
    return index;
  }

  /** By the node's id; those of nodes that have not answered are missing. */
  public Map<Integer, RdbDigest> digests() {
    return Collections.unmodifiableMap(digests);
  }

  /** Of this node. */
  public Verdict verdict() {
    return verdict;
  }

  Optional<RdbDigest> own() {
    return own;
  }

  /** Completes when no more answers are waited for; fails when this node has none itself. */
  CompletableFuture<Comparison> done() {
    return done;
  }

  void own(int node, RdbDigest digest) {
    own = Optional.of(digest);
    digests.put(node, digest);
  }

  /** Nobody knows this node's digest any more, or ever will. */
  boolean isOver() {
    return own.isEmpty() && done.isDone();
  }

  /** Another node has no digest of this entry, and will have none. */
  void otherWithout(int node) {
    without.add(node);
  }

  boolean hasAnswered(int node) {
    return digests.containsKey(node) || without.contains(node);
  }

  /** Another node has answered. */
  void other(int node, RdbDigest digest) {
    digests.put(node, digest);
  }

  /**
   * Nodes whose data is that of a majority; none where no majority has the same.
   *
   * @param members how many nodes there are
   */
  List<Integer> majority(int members) {
    return digests.values().stream()
        .map(
            digest ->
                digests.entrySet().stream()
                    .filter(entry -> entry.getValue().equals(digest))
                    .map(Map.Entry::getKey)
                    .toList())
        .filter(nodes -> nodes.size() > members / 2)
        .findFirst()
        .orElse(List.of());
  }

  /** This node is being given the data of the majority; or is not any more, and still differs. */
  void repairing(boolean goesOn) {
    verdict = goesOn ? Verdict.REPAIRING : Verdict.DIFFERS;
  }

  /** This node has been given the data of the majority, and what it had is no answer any more. */
  void repaired(int node) {
    verdict = Verdict.REPAIRED;
    own = Optional.empty();
    digests.remove(node);
  }

  /**
   * @return whether the verdict is another one than before
   */
  boolean judge(int node, int members) {
    if (verdict == Verdict.REPAIRING || verdict == Verdict.REPAIRED) {
      return false; // those that answer late change nothing
    }
    Map<Integer, RdbDigest> others = new TreeMap<>(digests);
    others.remove(node);
    Verdict now = Verdict.of(own.orElseThrow(), others.values(), members);
    boolean changed = now != verdict;
    verdict = now;
    return changed;
  }
}
