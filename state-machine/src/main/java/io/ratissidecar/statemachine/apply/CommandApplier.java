package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Applies committed entries to one connection of the local Redis, in log order, and asks it for
 * reads in between. Nothing waits: entries and reads are pipelined, and their order on the
 * connection is what makes a read see every entry that was sent before it.
 *
 * <p>One instance lives as long as its connection. Confined to the port's thread. Invariant: {@code
 * lastSent} only grows.
 */
public final class CommandApplier {
  /** What an applier tells its owner. */
  public interface Listener {
    /** Redis has acknowledged everything up to and including this index. */
    void onApplied(long index);

    /** Redis has answered one more command of an entry, which may have many: it is at work. */
    void onAnswer();

    /**
     * Redis refused a committed command for a reason of its own, or executed one that is void. The
     * state is not that of the log any more; the owner must drop the connection and reload. Nothing
     * comes after this.
     */
    void onMissed(MissedCommand missed);

    /**
     * Redis may be at work with a script that is void, and has to be told to end it. What it then
     * answers shows whether that came in time.
     */
    void onScriptVoided();

    /**
     * Redis is not set up like the other nodes', so that a committed command can't have here the
     * effect that it has there. The owner must stop the node: loading anew would not help. Nothing
     * comes after this.
     */
    void onUnfit(long index, String error);
  }

  /** Stands for a marker in {@link MissedCommand}. */
  private static final int MARKER = -1;

  private final RedisPort port;
  private final int reservedDatabase;
  private final String clusterId;
  private final Listener listener;
  private final SentEntry.Owner judge = new Judge();

  /** Entries that Redis has not answered whole. */
  private final ArrayDeque<SentEntry> underWay = new ArrayDeque<>();

  /** What made other appliers give up the same Redis. */
  private final Set<MissedCommand> missedBefore;

  private int database = -1;
  private long lastSent;

  /** Redis missed a command; whatever it answers behind that is of a state that never was. */
  private boolean broken;

  /**
   * @param port a fresh connection
   * @param reservedDatabase where the markers live
   * @param clusterId goes into the marker
   * @param appliedIndex the index whose state the Redis behind the port holds
   * @param missedBefore what {@link Listener#onMissed} told of connections before
   */
  public CommandApplier(
      RedisPort port,
      int reservedDatabase,
      String clusterId,
      long appliedIndex,
      Set<MissedCommand> missedBefore,
      Listener listener) {
    this.port = port;
    this.reservedDatabase = reservedDatabase;
    this.clusterId = clusterId;
    this.lastSent = appliedIndex;
    this.missedBefore = Set.copyOf(missedBefore);
    this.listener = listener;
  }

  /**
   * Sends one entry.
   *
   * @param replies who waits for the replies; null when nobody does
   * @param voided places of commands in its payload that are left out
   * @throws IllegalStateException when the entry is not behind the last one
   */
  public void apply(Entry entry, EntryReplies replies, Set<Integer> voided) {
    long index = entry.index();
    if (index <= lastSent) {
      throw new IllegalStateException("entry " + index + " after " + lastSent);
    }
    lastSent = index; // gaps are normal: Ratis uses indexes of its own
    checkDatabases(entry);
    if (broken) {
      return; // the entry is sent again, on another connection or never
    }
    ByteBuf begin = Unpooled.buffer(96);
    int selects = selectReserved(begin);
    Resp.command(begin, "SET", AppliedMarker.BEGIN_KEY, Long.toString(index));
    port.send(begin, 1 + selects, new MarkerSink(index, false));
    SentEntry payload = new SentEntry(entry, replies, voided, judge);
    underWay.add(payload);
    payload.send(port);
    database = -1; // the payload selects on its own
    ByteBuf end = Unpooled.buffer(160);
    selects = selectReserved(end);
    Resp.command(
        end,
        "SET",
        AppliedMarker.APPLIED_KEY,
        AppliedMarker.appliedValue(index, entry.term(), clusterId));
    port.send(end, 1 + selects, new EndSink(payload, 1 + selects));
  }

  /** Sends a read for one database; it sees every entry sent before it. */
  public void read(int inDatabase, int protocol, ByteBuf command, ReplySink sink) {
    port.useProtocol(protocol);
    if (database != inDatabase) {
      ByteBuf select = Unpooled.buffer(32);
      Resp.command(select, "SELECT", Integer.toString(inDatabase));
      port.send(select, 1, IgnoredReplies.INSTANCE);
      database = inDatabase;
    }
    port.send(command, 1, new ReadSink(sink));
  }

  /**
   * The scripts of the log, and the transactions, that Redis has not answered, in order. When it is
   * at work with a script of the log it is one of these. Not always the first: as long as a script
   * runs, Redis keeps the replies that it had just made.
   */
  public List<VoidedCommand> scriptsUnderWay() {
    List<VoidedCommand> scripts = new ArrayList<>();
    underWay.forEach(entry -> entry.addScripts(scripts));
    return scripts;
  }

  /**
   * The first entry that Redis has not answered whole; empty when there is none, or when Redis has
   * missed a command.
   */
  public OptionalLong firstUnderWay() {
    return broken || underWay.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(underWay.peek().index());
  }

  /** The last entry that was sent, or that Redis held before. */
  public long lastSent() {
    return lastSent;
  }

  /** How many commands of the first entry under way Redis has answered. */
  public int answeredOfFirst() {
    return underWay.peek().answered();
  }

  /**
   * What may have ended Redis in the first entry that it has not answered whole: the scripts of it,
   * and transactions, that are not void; only where there are none everything. Empty when all is
   * void.
   *
   * @param survived so many commands at the beginning it were not
   */
  public List<VoidedCommand> suspects(int survived) {
    List<VoidedCommand> suspects = new ArrayList<>();
    underWay.peek().addScripts(suspects);
    suspects.removeIf(command -> command.command() < survived);
    if (suspects.isEmpty()) {
      underWay.peek().addAll(suspects);
      suspects.removeIf(command -> command.command() < survived);
    }
    return suspects;
  }

  /**
   * From now on nobody hears of what comes of these or behind them, as they may become void; {@link
   * #release} ends that.
   *
   * @param scripts in order; those that were not sent are no matter of this applier
   * @return false when one was answered already
   */
  public boolean hold(List<VoidedCommand> scripts) {
    for (VoidedCommand script : scripts) {
      if (script.index() > lastSent) {
        break;
      }
      SentEntry entry = find(script.index());
      if (entry == null || entry.isAnswered(script.command())) {
        release();
        return false;
      }
      entry.hold(script.command());
    }
    return !broken;
  }

  /** Nothing becomes void of what {@link #hold} has named. */
  public void release() {
    underWay.forEach(SentEntry::release);
  }

  /** The commands are void, wherever they are on their way. */
  public void voided(List<VoidedCommand> scripts) {
    boolean end = false;
    for (VoidedCommand script : scripts) {
      end |= voided(script);
    }
    if (end && !broken) {
      listener.onScriptVoided();
    }
  }

  private boolean voided(VoidedCommand script) {
    if (broken || script.index() > lastSent) {
      return false;
    }
    SentEntry entry = find(script.index());
    if (entry == null || entry.isAnswered(script.command())) {
      judge.onMissed(
          new MissedCommand(
              script.index(),
              script.command(),
              "command " + script.command() + " was executed before it was known to be void"),
          NodeLocalError.PASSING);
      return false;
    }
    entry.voided(script.command());
    return true;
  }

  /** Whether a command that is void is still on its way to its end. */
  public boolean hasVoidedUnderWay() {
    return underWay.stream().anyMatch(SentEntry::hasVoidedUnderWay);
  }

  private SentEntry find(long index) {
    for (SentEntry entry : underWay) {
      if (entry.index() == index) {
        return entry;
      }
    }
    return null;
  }

  /**
   * The cluster's own entries select the database that its leader keeps them in. With another
   * number of databases here, commands of clients would meet the markers.
   */
  private void checkDatabases(Entry entry) {
    if (entry.header().type() == EntryType.COMMANDS || broken) {
      return;
    }
    int selected = PayloadCommands.selectedBy(entry.payload());
    if (selected != reservedDatabase) {
      broken = true;
      listener.onUnfit(
          entry.index(),
          "the cluster has "
              + (selected + 1)
              + " databases, this Redis has "
              + (reservedDatabase + 1));
    }
  }

  private int selectReserved(ByteBuf out) {
    if (database == reservedDatabase) {
      return 0;
    }
    Resp.command(out, "SELECT", Integer.toString(reservedDatabase));
    database = reservedDatabase;
    return 1;
  }

  /** What the replies to payloads tell. */
  private final class Judge implements SentEntry.Owner {
    @Override
    public boolean isSound() {
      return !broken;
    }

    @Override
    public void onAnswer() {
      listener.onAnswer();
    }

    @Override
    public void onMissed(MissedCommand missed, NodeLocalError error) {
      broken = true;
      if (error == NodeLocalError.LASTING) {
        listener.onUnfit(missed.index(), missed.text());
      } else {
        listener.onMissed(missed);
      }
    }

    @Override
    public boolean wasMissedBefore(MissedCommand missed) {
      return missedBefore.contains(missed);
    }
  }

  /** Does not believe what is read behind a command that was missed. */
  private final class ReadSink implements ReplySink {
    private final ReplySink sink;

    ReadSink(ReplySink sink) {
      this.sink = sink;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (broken) {
        sink.onLost();
      } else {
        sink.onReply(frame);
      }
    }

    @Override
    public void onLost() {
      sink.onLost();
    }
  }

  /** Checks that a marker could be written. */
  private class MarkerSink implements ReplySink {
    private final long index;
    private final boolean end;

    MarkerSink(long index, boolean end) {
      this.index = index;
      this.end = end;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (!broken && NodeLocalError.isError(frame)) {
        // A marker is a plain SET or SELECT: any error is this node's own.
        String text = frame.toString(StandardCharsets.UTF_8).strip();
        judge.onMissed(
            new MissedCommand(index, MARKER, (end ? "end" : "begin") + " marker: " + text),
            NodeLocalError.PASSING);
      }
    }

    @Override
    public void onLost() {}
  }

  /** Tells of the entry's end. */
  private final class EndSink extends MarkerSink {
    private final SentEntry entry;
    private int remaining;

    EndSink(SentEntry entry, int remaining) {
      super(entry.index(), true);
      this.entry = entry;
      this.remaining = remaining;
    }

    @Override
    public void onReply(ByteBuf frame) {
      super.onReply(frame);
      remaining--;
      if (remaining == 0 && !broken) {
        underWay.poll();
        if (entry.replies() != null) {
          entry.replies().onApplied();
        }
        listener.onApplied(entry.index());
      }
    }
  }
}
