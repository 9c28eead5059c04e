package io.ratissidecar.sidecar.raft;

import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/**
 * Batches of this node that were appended to the log, by the index that each hopes for, until their
 * clients have an outcome. Each hears whether its index was committed with it or with the entry of
 * another leader. Confined to the front loop.
 */
final class PendingBatches {
  /** Hears how far a batch has come. */
  interface Progress {
    /** It waits for the log no more; may be called again. */
    void onCommitted();

    /** Nothing more will come of it, and nothing of it is kept; once. */
    void onOver();
  }

  private record Pending(Batch batch, Progress progress) {
    void fail(Failure failure) {
      progress.onOver();
      batch.fail(failure);
    }
  }

  private final LongSupplier nanoClock;
  private final TreeMap<Long, Pending> byIndex = new TreeMap<>();

  PendingBatches(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  /** The batch was appended at its index. */
  void add(Batch batch, Progress progress) {
    Pending former = byIndex.put(batch.index(), new Pending(batch, progress));
    if (former != null) {
      // This node led, lost its place in the log to another leader, and leads again.
      former.fail(Failure.NOT_LEADER);
    }
  }

  /**
   * Batches that are committed let the next ones go, whether or not Redis has taken them yet. The
   * log has their payload.
   */
  void committed(long index) {
    for (Pending p : List.copyOf(byIndex.headMap(index, true).values())) {
      p.batch().releasePayload();
      p.progress().onCommitted();
    }
  }

  /**
   * The batch that became the entry of this index and term, or null; one that lost its place to
   * another leader's entry is told so.
   */
  Batch settle(long index, long term) {
    Pending p = byIndex.get(index);
    if (p == null) {
      return null;
    }
    if (p.batch().term() != term) {
      byIndex.remove(index);
      p.fail(Failure.NOT_LEADER);
      return null;
    }
    return p.batch();
  }

  /** These indexes carry no payload: a batch that hoped for one of them lost it. */
  void skipped(long afterIndex, long toIndex) {
    failAll(byIndex.subMap(afterIndex, false, toIndex, true), Failure.NOT_LEADER);
  }

  /** Redis has acknowledged the entry, and its clients have their replies. */
  void answered(long index) {
    Pending answered = byIndex.remove(index);
    if (answered != null) {
      answered.progress().onOver();
    }
  }

  /** Redis holds the entries up to this index; the replies are gone. */
  void applied(long index) {
    failAll(byIndex.headMap(index, true), Failure.REPLY_LOST);
  }

  private static void failAll(NavigableMap<Long, Pending> those, Failure failure) {
    List<Pending> failed = List.copyOf(those.values());
    those.clear();
    failed.forEach(p -> p.fail(failure));
  }

  /** Replies that have not come will come from another connection to Redis. */
  void expectAgain() {
    byIndex.values().forEach(p -> p.batch().expectAgain());
  }

  /** Gives up waiting for batches that are older than this; they may still happen. */
  void expire(long timeoutNanos) {
    long now = nanoClock.getAsLong();
    for (Pending p : byIndex.values()) {
      if (now - p.batch().createdNanos() > timeoutNanos) {
        p.batch().fail(Failure.OUTCOME_UNKNOWN);
      }
    }
  }
}
