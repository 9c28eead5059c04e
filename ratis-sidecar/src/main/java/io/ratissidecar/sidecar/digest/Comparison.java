package io.ratissidecar.sidecar.digest;

import io.ratissidecar.snapshot.RdbDigest;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The nodes' data behind one entry, as one node has come to know it. On the front loop. */
public final class Comparison {
  private final long index;
  private final Map<Integer, RdbDigest> digests = new TreeMap<>();
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

  /** Another node has answered. */
  void other(int node, RdbDigest digest) {
    digests.put(node, digest);
  }

  /**
   * @return whether the verdict is another one than before
   */
  boolean judge(int node, int members) {
    Map<Integer, RdbDigest> others = new TreeMap<>(digests);
    others.remove(node);
    Verdict now = Verdict.of(own.orElseThrow(), others.values(), members);
    boolean changed = now != verdict;
    verdict = now;
    return changed;
  }
}
