package io.ratissidecar.sidecar.digest;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.EntryWatcher;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.snapshot.Snapshots;
import io.ratissidecar.snapshot.RdbDigest;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryType;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares this node's data with that of the others, at exactly one entry. The leader puts an entry
 * into the log; behind it every node takes a snapshot, computes the digest of that, and asks the
 * others for theirs. Each judges itself.
 *
 * <p>Confined to the front loop; digests are computed on a thread of their own, {@code digest}.
 */
public final class Digests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Digests.class);

  /** A node that applies entries older than this applies again what it has been through. */
  private static final long RECENT_ENTRIES = 10_000;

  private static final String REMEDY =
      "Have another node lead, remove this one, empty its directory, and let it join again";

  private static final List<String> NONE = List.of("none");

  private static final int KEPT = 8;
  private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Others are asked for so long, and as long again as this node took. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final FrontLoop front;
  private final Duration interval;
  private final boolean repairs;
  private final IntSupplier reservedDatabase;
  private final Snapshots snapshots;
  private final Membership membership;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "digest"));

  /** The newest last. */
  private final ArrayDeque<Comparison> comparisons = new ArrayDeque<>();

  /** The newest that has a verdict; null while none has. */
  private Comparison judged;

  private long lastMillis = System.currentTimeMillis();
  private boolean proposed;
  private volatile String state = "";

  /**
   * The one with the wrong data, until its successor has the right data; null when there is none.
   */
  private Replication underRepair;

  /** The right snapshot is in place, and Redis is about to be loaded from it. */
  private volatile boolean replaced;

  /**
   * @param interval after which the leader has them compared; zero for never
   * @param repairs whether this node takes a majority's data when its own differs
   * @param reservedDatabase asked once there is a Redis
   */
  public Digests(
      FrontLoop front,
      Duration interval,
      boolean repairs,
      IntSupplier reservedDatabase,
      Snapshots snapshots,
      Membership membership) {
    this.front = front;
    this.interval = interval;
    this.repairs = repairs;
    this.reservedDatabase = reservedDatabase;
    this.snapshots = snapshots;
    this.membership = membership;
  }

  /** Looks at what this replication applies. */
  public EntryWatcher watch(Replication replication) {
    return new EntryWatcher() {
      @Override
      public void redisReady() {
        if (replaced && underRepair != replication) {
          haveRightData();
        }
      }

      @Override
      public void redisLost() {}

      @Override
      public void sent(Entry entry) {
        if (entry.header().type() == EntryType.DIGEST) {
          lastMillis = Math.max(lastMillis, entry.header().leaderTimeMillis());
          if (replication.applier().committedIndex() - entry.index() < RECENT_ENTRIES) {
            begin(replication, entry.index());
          }
        }
      }
    };
  }

  /** Has the data compared when that is due; about once a second. */
  public void tick() {
    Optional<Replication> leading =
        membership.replication().filter(r -> r.raft().group().isLeaderReady());
    if (leading.isEmpty() || interval.isZero() || proposed) {
      return;
    }
    if (leading.get().raft().clock().millis() - lastMillis > interval.toMillis()) {
      compare(leading.get())
          .whenComplete(
              (comparison, error) -> {
                if (error != null) {
                  LOG.warn("The nodes' data could not be compared: {}", reason(error));
                }
              });
    }
  }

  /**
   * Has all nodes compare their data. On the leader; completes with what this node has found once
   * all have answered or will not soon.
   */
  public CompletableFuture<Comparison> compare(Replication leading) {
    CompletableFuture<Comparison> applied = new CompletableFuture<>();
    Comparison before = comparisons.peekLast();
    proposed = true;
    lastMillis = leading.raft().clock().millis();
    leading
        .sequencer()
        .addDigestEntry(
            new ReplyReceiver() {
              @Override
              public void reply(ByteBuf frame) {
                proposed = false;
                Comparison begun = comparisons.peekLast(); // when the entry was sent
                if (begun == before) {
                  applied.completeExceptionally(
                      new IOException("this node was too far behind to compare its data"));
                } else {
                  applied.complete(begun);
                }
              }

              @Override
              public void failed(Failure failure) {
                proposed = false;
                applied.completeExceptionally(
                    new IOException("the leader could not reach a majority, or its Redis"));
              }
            },
            reservedDatabase.getAsInt());
    return applied.thenCompose(Comparison::done);
  }

  private void begin(Replication replication, long index) {
    Comparison comparison = new Comparison(index);
    comparisons.add(comparison);
    if (comparisons.size() > KEPT) {
      comparisons.poll();
    }
    long start = System.nanoTime();
    snapshots
        .takeHere(replication)
        .thenApplyAsync(this::digest, thread)
        .thenCompose(Function.identity())
        .whenCompleteAsync(
            (digest, error) -> {
              if (error == null) {
                comparison.own(membership.nodeId(), digest);
                ask(
                    replication,
                    comparison,
                    start + 2 * (System.nanoTime() - start) + PATIENCE_NANOS);
              } else {
                failed(comparison, reason(error));
              }
            },
            front.loop());
  }

  private CompletableFuture<RdbDigest> digest(Snapshot snapshot) {
    try {
      return CompletableFuture.completedFuture(
          RdbDigest.of(snapshot.rdb(), reservedDatabase.getAsInt()));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void failed(Comparison comparison, String reason) {
    LOG.warn(
        "This node's data behind entry {} could not be compared with that of the others: {}",
        comparison.index(),
        reason);
    comparison
        .done()
        .completeExceptionally(
            new IOException("the data behind entry " + comparison.index() + ": " + reason));
  }

  private static String reason(Throwable error) {
    Throwable cause = error;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof RejectedExecutionException
        ? "the node stops"
        : String.valueOf(cause.getMessage());
  }

  /** Asks who has not answered, judges, and again after a while. */
  private void ask(Replication replication, Comparison comparison, long untilNanos) {
    List<Member> members =
        replication.isClosed() ? List.of() : replication.raft().group().members();
    boolean all = true;
    for (Member member : members) {
      if (!comparison.hasAnswered(member.id())) {
        all = false;
        membership.askDigest(
            member, comparison.index(), answer -> answered(comparison, member, answer));
      }
    }
    judge(replication, comparison, members);
    if (all || System.nanoTime() - untilNanos > 0) {
      comparison.done().complete(comparison);
    } else {
      front
          .loop()
          .schedule(
              () -> ask(replication, comparison, untilNanos), ASK_NANOS, TimeUnit.NANOSECONDS);
    }
  }

  private static void answered(Comparison comparison, Member member, List<String> answer) {
    if (answer.size() == 2 && answer.get(0).matches("[0-9]{1,9}")) {
      comparison.other(member.id(), new RdbDigest(Integer.parseInt(answer.get(0)), answer.get(1)));
    } else if (answer.equals(NONE)) {
      comparison.otherWithout(member.id());
    }
  }

  private void judge(Replication replication, Comparison comparison, List<Member> members) {
    if (members.isEmpty() || !comparison.judge(membership.nodeId(), members.size())) {
      return;
    }
    switch (comparison.verdict()) {
      case DIFFERS -> {
        LOG.error(
            "This node's data behind entry {} differs from that of a majority: {}. {}",
            comparison.index(),
            comparison.digests(),
            repairs ? "Theirs takes its place (digest-repair)" : REMEDY);
        if (repairs) {
          comparison.repairing(true);
        }
        if (repairs && underRepair == null) {
          underRepair = replication;
          follow(replication)
              .thenComposeAsync(done -> repair(replication, comparison, members), front.loop())
              .whenCompleteAsync((done, error) -> repairBegun(error), front.loop());
        }
      }
      case UNDECIDED ->
          LOG.error(
              "The nodes' data behind entry {} differs, and no majority has the same: {}",
              comparison.index(),
              comparison.digests());
      default ->
          LOG.info("This node's data behind entry {} is that of a majority", comparison.index());
    }
    if (judged == null || judged.index() <= comparison.index()) { // a replay judges anew
      judged = comparison;
    }
    show(comparison);
  }

  private void show(Comparison comparison) {
    if (comparison == comparisons.peekLast()) {
      state = describe(comparison);
    }
  }

  /** A node with wrong data should not lead. */
  private CompletableFuture<Void> follow(Replication replication) {
    return replication.raft().group().isLeader()
        ? membership.handover().transfer(replication, 0)
        : CompletableFuture.completedFuture(null);
  }

  private CompletableFuture<Void> repair(
      Replication replication, Comparison comparison, List<Member> members) {
    List<Integer> right = comparison.majority(members.size());
    return snapshots.repair(
        replication,
        members.stream().filter(member -> right.contains(member.id())).toList(),
        comparison.index(),
        () -> replaced = true);
  }

  /** From now on Redis is loaded, which the next replication tells. */
  private void repairBegun(Throwable error) {
    if (error != null) {
      underRepair = null;
      comparisons.stream()
          .filter(comparison -> comparison.verdict() == Verdict.REPAIRING)
          .forEach(comparison -> comparison.repairing(false));
      LOG.error(
          "This node's data could not be replaced by that of a majority: {}. The next comparison tries again. {}",
          reason(error),
          REMEDY);
      show(comparisons.getLast());
    }
  }

  private void haveRightData() {
    replaced = false;
    underRepair = null;
    Comparison last = comparisons.getLast();
    comparisons.clear(); // of data that is gone
    comparisons.add(last);
    last.repaired(membership.nodeId());
    LOG.info("This node has the data of a majority now");
    show(last);
  }

  private static String describe(Comparison comparison) {
    return comparison.verdict().name().toLowerCase(Locale.ROOT)
        + " behind entry "
        + comparison.index();
  }

  /** What became of the last comparison, in words; empty when there was none. Any thread. */
  public String state() {
    return state;
  }

  /** The last one that this node has begun. */
  public Optional<Comparison> last() {
    return Optional.ofNullable(comparisons.peekLast());
  }

  /**
   * Whether this node's data is not that of a majority, as far as anybody knows. A comparison that
   * has no verdict yet, or comes to none since a node is away, takes nothing back.
   */
  public boolean isAlarm() {
    return judged != null && judged.verdict().isAlarm();
  }

  /**
   * For other nodes: version and digest behind an entry; {@code none} when there will be none;
   * empty when it is not there yet.
   */
  public List<String> answer(long index) {
    Optional<Comparison> asked = // the newest one, if the entry came again
        comparisons.stream()
            .filter(comparison -> comparison.index() == index)
            .reduce((first, second) -> second);
    boolean over =
        asked
            .map(Comparison::isOver)
            .orElseGet(() -> membership.replication().filter(r -> hasPassed(r, index)).isPresent());
    return asked
        .flatMap(Comparison::own)
        .map(digest -> List.of(Integer.toString(digest.version()), digest.hash()))
        .orElse(over ? NONE : List.of());
  }

  /** A node that was away takes no snapshot behind an entry that it finds applied. */
  private static boolean hasPassed(Replication replication, long index) {
    return replication.applier().redisIsReady() && replication.applier().appliedIndex() >= index;
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
