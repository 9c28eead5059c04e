package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/**
 * Members that the leader's Redis has chosen at random, for commands that pop from a set. They are
 * read before the command is proposed, so some may be gone when it is applied: a command gets a few
 * more than it needs. What is read once serves several commands, but not for long, since members
 * that are added meanwhile should have their chance.
 *
 * <p>Confined to the front loop.
 */
public final class Candidates {
  /** Read for commands that need few. */
  private static final int FEWEST_READ = 32;

  /** Commands that pop more get none; what they do then is longer than to choose. */
  private static final int MOST = 100_000;

  /** Given beside those that are needed, when members are short. */
  private static final int SPARE = 3;

  private static final int SHORT_BYTES = 1024;
  private static final long FRESH_NANOS = 20_000_000;
  private static final byte[] SRANDMEMBER = "SRANDMEMBER".getBytes(StandardCharsets.US_ASCII);

  private final Applier applier;
  private final Executor loop;
  private final LongSupplier nanoClock;
  private final Random random;
  private final int limitBytes;
  private final Map<DatabaseKey, Chosen> known = new LinkedHashMap<>();
  private final Map<DatabaseKey, Integer> reading = new LinkedHashMap<>();
  private final WaitList waiters = new WaitList();

  /**
   * @param limitBytes how long candidates of one command are together at the most
   */
  Candidates(
      Applier applier, Executor loop, LongSupplier nanoClock, Random random, int limitBytes) {
    this.applier = applier;
    this.loop = loop;
    this.nanoClock = nanoClock;
    this.random = random;
    this.limitBytes = limitBytes;
  }

  /** What was read of one set. */
  private static final class Chosen {
    private final List<byte[]> members;
    private final boolean whole;
    private final long readNanos;
    private int next;
    private boolean used;

    Chosen(List<byte[]> members, boolean whole, long readNanos) {
      this.members = members;
      this.whole = whole;
      this.readNanos = readNanos;
    }
  }

  /**
   * The plan with its candidates, perhaps none.
   *
   * @param database the client's
   * @return null when it has to come again; {@link #whenRead} tells when
   */
  public Plan.Pop choose(Plan.Pop pop, int database) {
    int count = (int) Math.min(MOST + 1, Math.max(1, pop.count()));
    if (pop.count() == 0 || count > MOST) {
      return pop.from(List.of());
    }
    DatabaseKey key = new DatabaseKey(database, pop.key());
    long now = nanoClock.getAsLong();
    known.values().removeIf(chosen -> now - chosen.readNanos > FRESH_NANOS);
    Chosen chosen = known.get(key);
    if (chosen != null && chosen.whole && chosen.next + count > chosen.members.size()) {
      // All that there was: those who come now may find some that others did not take.
      Collections.shuffle(chosen.members, random);
      chosen.next = 0;
      chosen.used = false;
    }
    boolean enough =
        chosen != null && (!chosen.used || chosen.next + count <= chosen.members.size());
    if (!enough) {
      read(key, count);
      return null;
    }
    return pop.from(take(chosen, count));
  }

  private List<byte[]> take(Chosen chosen, int count) {
    int needed = Math.min(chosen.members.size(), chosen.next + count);
    List<byte[]> taken = new ArrayList<>(chosen.members.subList(chosen.next, needed));
    chosen.next = needed;
    chosen.used = true;
    int most = Math.min(chosen.members.size(), needed + SPARE + count / 8);
    chosen.members.subList(needed, most).stream()
        .filter(member -> member.length <= SHORT_BYTES)
        .forEach(taken::add);
    long bytes = taken.stream().mapToLong(member -> member.length + 16L).sum();
    return bytes > limitBytes ? List.of() : taken;
  }

  private void read(DatabaseKey key, int count) {
    if (reading.getOrDefault(key, 0) >= count) {
      return;
    }
    reading.put(key, count);
    int asked = Math.max(FEWEST_READ, count + SPARE + count / 8);
    ByteBuf command = Unpooled.buffer(key.name().length + 48);
    byte[] number = Integer.toString(asked).getBytes(StandardCharsets.US_ASCII);
    Resp.command(command, SRANDMEMBER, key.name(), number);
    applier.read(
        key.database(),
        2,
        command,
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            List<byte[]> members = new ArrayList<>();
            if (RespValue.parse(frame.duplicate()) instanceof RespValue.Array array) {
              array.elements().forEach(member -> members.add(((RespValue.Bulk) member).bytes()));
            } // else it is no set, which the command will hear as well
            arrived(key, count, members, members.size() < asked);
          }

          @Override
          public void failed(Failure failure) {
            arrived(key, count, new ArrayList<>(), true); // it goes without
          }
        });
  }

  private void arrived(DatabaseKey key, int count, List<byte[]> members, boolean whole) {
    // Redis chooses at random, but does not tell them in a random order.
    Collections.shuffle(members, random);
    known.put(key, new Chosen(members, whole, nanoClock.getAsLong()));
    reading.remove(key, count);
    waiters.wake();
  }

  /** Calls back once more is chosen. */
  public void whenRead(Runnable waiter) {
    if (reading.isEmpty()) {
      loop.execute(waiter); // it has failed at once
    } else {
      waiters.add(waiter);
    }
  }
}
