package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.logstore.LogSummary;
import io.ratissidecar.sidecar.raft.RaftSegment.Broken;
import io.ratissidecar.sidecar.raft.RaftSegment.Header;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;

/**
 * Reads every segment of a stopped node's Raft log, which has term, index and header of each entry,
 * and compares where it begins and ends with the newest snapshot and the payload log. What the next
 * start mends or drops, as {@link SnapshotReconciler} does, is no damage. Changes nothing.
 */
public final class RaftLogVerifier {
  /** No setting allows a longer entry. */
  private static final int ENTRY_LIMIT_BYTES = 1 << 30;

  private final LogSummary payload;
  private final Optional<SnapshotManifest> snapshot;
  private final long snapshotIndex;
  private final List<Damage> damages = new ArrayList<>();

  /** Of no concern when all of the log is dropped. */
  private final List<Damage> mismatches = new ArrayList<>();

  private boolean holdsSnapshot;
  private long entries;
  private Damage tornEnd;
  private RaftSegment previous;
  private RaftSegment withLastHeader;

  private RaftLogVerifier(LogSummary payload, Optional<SnapshotManifest> snapshot) {
    this.payload = payload;
    this.snapshot = snapshot;
    this.snapshotIndex = snapshotIndex(snapshot);
  }

  /**
   * @param entries how many were read, Ratis's own among them
   * @param damages what keeps the node from starting, or from making its data again
   * @param tornEnd what a write left that was never acknowledged; cut at the next start
   * @param purged how many segments an interrupted purge has left; deleted at the next start
   * @param superseded whether the log does not hold the entry of the newest snapshot, which has
   *     come from another node then: the next start drops it, and goes on behind the snapshot
   */
  public record Result(
      long entries,
      List<Damage> damages,
      Optional<Damage> tornEnd,
      int purged,
      boolean superseded) {}

  /**
   * @param dir directory of the node
   * @param payload what its payload log holds
   * @param snapshot its newest
   */
  public static Result verify(Path dir, LogSummary payload, Optional<SnapshotManifest> snapshot)
      throws IOException {
    return new RaftLogVerifier(payload, snapshot).run(segments(dir));
  }

  /**
   * The first damage, in the words of a refusal to start; empty when there is none.
   *
   * @param snapshot the node's newest
   */
  static Optional<IOException> firstDamage(Path dir, Optional<SnapshotManifest> snapshot)
      throws IOException {
    List<LogSegmentPath> paths = segments(dir);
    for (int i = SnapshotReconciler.purged(paths, snapshotIndex(snapshot)); i < paths.size(); i++) {
      RaftSegment segment = RaftSegment.read(paths.get(i), ENTRY_LIMIT_BYTES);
      if (isDamaged(segment, i == paths.size() - 1)) {
        return Optional.of(MetadataReconciler.damaged(segment));
      }
    }
    return Optional.empty();
  }

  private static long snapshotIndex(Optional<SnapshotManifest> snapshot) {
    return snapshot.map(SnapshotManifest::index).orElse(0L);
  }

  private static boolean isDamaged(RaftSegment segment, boolean newest) {
    return segment.broken() != null && !(newest && segment.broken().torn());
  }

  /** Of the group that is in the directory; there is one at the most. */
  private static List<LogSegmentPath> segments(Path dir) throws IOException {
    List<LogSegmentPath> found = new ArrayList<>();
    Path raft = dir.resolve("raft");
    if (!Files.isDirectory(raft)) {
      return found;
    }
    try (DirectoryStream<Path> groups = Files.newDirectoryStream(raft)) {
      for (Path group : groups) {
        if (Files.isDirectory(group.resolve("current"))) {
          try (DirectoryStream<Path> files =
              Files.newDirectoryStream(group.resolve("current"), "log_*")) {
            files.forEach(file -> found.add(LogSegmentPath.matchLogSegment(file)));
          }
        }
      }
    }
    found.removeIf(Objects::isNull);
    found.sort(Comparator.comparing(LogSegmentPath::getStartEnd));
    return found;
  }

  private Result run(List<LogSegmentPath> all) throws IOException {
    int purged = SnapshotReconciler.purged(all, snapshotIndex);
    List<LogSegmentPath> paths = all.subList(purged, all.size());
    for (int i = 0; i < paths.size(); i++) {
      RaftSegment segment = RaftSegment.read(paths.get(i), ENTRY_LIMIT_BYTES);
      Broken broken = segment.broken();
      if (isDamaged(segment, i == paths.size() - 1)) {
        damages.add(damage(segment, broken.offset(), broken.index(), broken.what()));
      } else if (broken != null) {
        tornEnd = damage(segment, broken.offset(), broken.index(), broken.what());
      }
      if (segment.last() >= 0) {
        compareWithPrevious(segment);
        entries += segment.last() - segment.first() + 1;
        previous = segment;
      }
      if (!segment.headers().isEmpty()) {
        withLastHeader = segment;
        holdsSnapshot |= segment.headers().stream().anyMatch(this::isOfSnapshot);
      }
    }
    compareStarts(paths);
    if (withLastHeader != null) {
      compareEnds(withLastHeader);
    }
    boolean superseded =
        snapshot.isPresent()
            && !paths.isEmpty()
            && start(paths.get(0)) <= snapshotIndex
            && !holdsSnapshot;
    if (!superseded) {
      damages.addAll(mismatches);
    }
    return new Result(
        entries, List.copyOf(damages), Optional.ofNullable(tornEnd), purged, superseded);
  }

  private boolean isOfSnapshot(Header header) {
    return header.index() == snapshotIndex && header.term() == snapshot.orElseThrow().term();
  }

  private static long start(LogSegmentPath path) {
    return RaftSegment.nameStart(path.getPath());
  }

  /** Both logs may have been cut, but not above the newest snapshot. */
  private void compareStarts(List<LogSegmentPath> paths) {
    if (!paths.isEmpty() && start(paths.get(0)) > snapshotIndex + 1) {
      mismatches.add(missing(paths.get(0).getPath(), "Raft's log", start(paths.get(0))));
    }
    if (payload.startIndex() > snapshotIndex + 1) {
      Path first = payload.segments().get(0).file();
      mismatches.add(missing(first, "the payload log", payload.startIndex()));
    }
  }

  private Damage missing(Path first, String log, long start) {
    String behind =
        snapshot.isEmpty()
            ? "there is no snapshot that it goes on from"
            : "the newest snapshot is of entry " + snapshotIndex + ": what was between is missing";
    return new Damage(
        first, 0, snapshotIndex + 1, log + " begins with entry " + start + ", and " + behind);
  }

  /** After an interrupted truncation what is to go may stand behind a gap. */
  private void compareWithPrevious(RaftSegment segment) {
    if (previous != null
        && previous.broken() == null
        && previous.last() + 1 != segment.first()
        && payload.interruptedTruncation().isEmpty()
        && payload.lastIndex() > previous.last()) {
      damages.add(
          damage(
              segment,
              0,
              previous.last() + 1,
              "the segment before it ends with index " + previous.last()));
    }
  }

  /** Payload that a snapshot holds may have been dropped. */
  private void compareEnds(RaftSegment segment) {
    Header last = segment.headers().get(segment.headers().size() - 1);
    boolean mayBeGone =
        last.index() <= snapshotIndex
            || (payload.interruptedTruncation().isPresent()
                && last.index() >= payload.interruptedTruncation().getAsLong());
    boolean otherTerm = last.index() == payload.lastIndex() && last.term() != payload.lastTerm();
    if (!mayBeGone && (last.index() > payload.lastIndex() || otherTerm)) {
      mismatches.add(
          damage(
              segment,
              last.offset(),
              payload.lastIndex() + (otherTerm ? 0 : 1),
              "it has entry "
                  + last.index()
                  + " of term "
                  + last.term()
                  + ", but the payload log ends with index "
                  + payload.lastIndex()
                  + " of term "
                  + payload.lastTerm()));
    }
  }

  private static Damage damage(RaftSegment segment, long offset, long index, String what) {
    return new Damage(segment.path(), offset, index, what);
  }
}
