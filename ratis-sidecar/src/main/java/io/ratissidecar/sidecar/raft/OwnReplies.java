package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.apply.EntryReplies;
import io.ratissidecar.statemachine.apply.PayloadCommands;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.resp.Request;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Replies of this node's own Redis to commands that were forwarded to the leader, for those whose
 * reply tells of the node and not of the data: the subscribers that {@code PUBLISH} reached. The
 * log does not say where a command came from, so it is known by its bytes. An equal one of another
 * client may be taken for it; its reply is of a moment during the call all the same.
 *
 * <p>Confined to the front loop.
 */
public final class OwnReplies {
  /** How long the own reply is waited for once the leader's has come. */
  private static final long PATIENCE_NANOS = 1_000_000_000;

  /** A number looks the same in both. */
  private static final int ANY_PROTOCOL = 2;

  private final LongSupplier nanoClock;
  private final BooleanSupplier isServing;

  /** Those that were not seen in the log yet, by their bytes there; first come, first served. */
  private final Map<ByteBuffer, ArrayDeque<Expected>> expected = new HashMap<>();

  /** How many of each length: bytes of other lengths need not be looked at. */
  private final Map<Integer, Integer> lengths = new HashMap<>();

  /** Those that Redis was sent and has not answered, in order. */
  private final LinkedHashSet<Expected> sent = new LinkedHashSet<>();

  /** Those that the leader has answered and Redis has not; the oldest first. */
  private final LinkedHashSet<Expected> late = new LinkedHashSet<>();

  /**
   * @param isServing whether this node's Redis can be waited for; may turn false for good
   */
  OwnReplies(LongSupplier nanoClock, BooleanSupplier isServing) {
    this.nanoClock = nanoClock;
    this.isServing = isServing;
  }

  /**
   * A command is about to be forwarded.
   *
   * @param command without a prefix, as it will stand in the log; a copy
   * @param client gets one reply, unless {@link Expected#drop} comes first; borrowed for the call
   */
  public Expected expect(Request command, Consumer<ByteBuf> client) {
    int length = command.frameEnd() - command.frameStart();
    Expected added = new Expected(command.buffer().nioBuffer(command.frameStart(), length), client);
    added.equalOnes().add(added);
    return added;
  }

  /** Who waits for replies to the entry, which is about to be sent; null when nobody does. */
  EntryReplies in(Entry entry) {
    if (expected.isEmpty()) {
      return null;
    }
    Map<Integer, Expected> found = new HashMap<>();
    PayloadCommands.forEachOutsideTransactions(
        entry.payload(),
        (command, place) -> {
          boolean maybe = lengths.containsKey(command.remaining());
          ArrayDeque<Expected> equal = maybe ? expected.get(command) : null;
          if (equal != null) {
            Expected first = equal.peek();
            first.leaveExpected();
            sent.add(first);
            found.put(place, first);
          }
        });
    return found.isEmpty() ? null : new Found(entry.payload(), found);
  }

  /** What Redis has not answered is sent again, on another connection. */
  void redisLost() {
    List<Expected> again = new ArrayList<>(sent);
    sent.clear();
    for (int i = again.size() - 1; i >= 0; i--) {
      Expected first = again.get(i);
      first.equalOnes().addFirst(first);
    }
  }

  /**
   * Gives up waiting for Redis where the leader's reply has come; call it a few times a second.
   *
   * @param mostNanos how long it is waited at the most
   */
  void expire(long mostNanos) {
    long patience = Math.min(mostNanos, PATIENCE_NANOS);
    long now = nanoClock.getAsLong();
    while (!late.isEmpty()) {
      Expected oldest = late.iterator().next();
      if (now - oldest.lateSinceNanos <= patience) {
        return;
      }
      oldest.answer(oldest.leaders);
    }
  }

  /** One forwarded command. */
  public final class Expected {
    private final ByteBuffer command;
    private final Consumer<ByteBuf> client;
    private ByteBuf own;
    private ByteBuf leaders;
    private long lateSinceNanos;

    Expected(ByteBuffer command, Consumer<ByteBuf> client) {
      this.command = command;
      this.client = client;
    }

    /** The leader has executed the command, with this reply; borrowed for the call. */
    public void executed(ByteBuf frame) {
      if (own != null) {
        answer(own);
      } else if (isServing.getAsBoolean()) {
        leaders = Unpooled.copiedBuffer(frame);
        lateSinceNanos = nanoClock.getAsLong();
        late.add(this);
      } else {
        answer(frame);
      }
    }

    /** The leader has executed it, and nobody can wait any longer. */
    public void settle() {
      answer(leaders);
    }

    private void replied(ByteBuf frame) {
      if (!sent.remove(this)) {
        return; // it was dropped
      }
      own = Unpooled.copiedBuffer(frame);
      if (leaders != null) {
        answer(own);
      }
    }

    private void answer(ByteBuf frame) {
      drop();
      client.accept(frame);
    }

    /** The client has its reply, or will get another one. */
    public void drop() {
      late.remove(this);
      if (own == null && !sent.remove(this)) {
        leaveExpected();
      }
    }

    /** Those that have not been seen, to which this one is about to be added. */
    private ArrayDeque<Expected> equalOnes() {
      lengths.merge(command.remaining(), 1, Integer::sum);
      return expected.computeIfAbsent(command, c -> new ArrayDeque<>());
    }

    private void leaveExpected() {
      ArrayDeque<Expected> equal = expected.get(command);
      if (equal != null && equal.remove(this)) {
        lengths.computeIfPresent(command.remaining(), (l, count) -> count == 1 ? null : count - 1);
        if (equal.isEmpty()) {
          expected.remove(command);
        }
      }
    }
  }

  /** Picks the replies to some commands of an entry. */
  private static final class Found implements EntryReplies {
    private final List<Run> runs;
    private final Map<Integer, Expected> byPlace;
    private int place;

    Found(ByteBuffer payload, Map<Integer, Expected> byPlace) {
      this.byPlace = byPlace;
      int replies = PayloadCommands.count(payload);
      this.runs = List.of(new Run(payload.remaining(), replies, ANY_PROTOCOL));
    }

    @Override
    public List<Run> runs() {
      return runs;
    }

    @Override
    public void onReply(ByteBuf frame) {
      Expected picked = byPlace.get(place);
      place++;
      if (picked != null) {
        picked.replied(frame);
      }
    }

    @Override
    public void onApplied() {
      // All of its replies have come before.
    }
  }
}
