package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * An entry on its way to Redis: the commands that are sent for it, and the judge of the replies.
 * Confined to the thread of its {@link CommandApplier}.
 */
final class SentEntry implements ReplySink {
  /** Hears what the replies tell. */
  interface Owner {
    /** False once Redis has missed a command: what it answers then does not count. */
    boolean isSound();

    void onAnswer();

    /** Redis missed the command. */
    void onMissed(MissedCommand missed, NodeLocalError error);

    /** True when the same command was answered with the same text before, by the same Redis. */
    boolean wasMissedBefore(MissedCommand missed);
  }

  /** What clients hear in place of a result, in the words of Redis. */
  private static final String KILLED = "Script killed by user with SCRIPT KILL";

  private final Entry entry;
  private final EntryReplies replies;
  private final Owner owner;
  private final int commands;

  /** Those that are left out. */
  private final Set<Integer> left;

  /** Those that became void after they were sent. */
  private final Set<Integer> voided = new TreeSet<>();

  /** From this one on, the cluster is about to decide what is void. */
  private int heldFrom = Integer.MAX_VALUE;

  private final ByteBuffer walk;
  private int answered;
  private int walked;

  /**
   * @param replies who waits for the replies; null when nobody does
   * @param voided places of commands that are void
   */
  SentEntry(Entry entry, EntryReplies replies, Set<Integer> voided, Owner owner) {
    this.entry = entry;
    this.walk = entry.payload();
    this.commands = PayloadCommands.count(entry.payload());
    this.replies = replies;
    this.left = Set.copyOf(voided);
    this.owner = owner;
  }

  long index() {
    return entry.index();
  }

  EntryReplies replies() {
    return replies;
  }

  /** Sends all of it. */
  void send(RedisPort port) {
    ByteBuf payload =
        left.isEmpty() ? Unpooled.wrappedBuffer(entry.payload()) : withoutVoided(entry.payload());
    if (replies == null) {
      port.send(payload, commands, this);
      return;
    }
    ByteBuffer ends = payload.nioBuffer();
    int start = 0;
    for (EntryReplies.Run run : replies.runs()) {
      int end = run.endOffset();
      if (!left.isEmpty()) { // what is left out has changed the offsets
        for (int i = 0; i < run.replies(); i++) {
          PayloadCommands.skip(ends);
        }
        end = ends.position();
      }
      port.useProtocol(run.protocol());
      port.send(payload.retainedSlice(start, end - start), run.replies(), this);
      start = end;
    }
    payload.release();
  }

  /** In place of each void command stands one without effect, so that replies keep their places. */
  private ByteBuf withoutVoided(ByteBuffer payload) {
    List<ByteBuf> parts = new ArrayList<>();
    for (int i = 0; i < commands; i++) {
      ByteBuffer command = payload.duplicate();
      PayloadCommands.skip(payload);
      if (!left.contains(i)) {
        parts.add(
            Unpooled.wrappedBuffer(command.slice(command.position(), length(command, payload))));
      } else {
        // A transaction with a void script has no effect at all: which of its scripts it was that
        // did not end nobody knows.
        String instead = PayloadCommands.isExec(command) ? "DISCARD" : "PING";
        parts.add(
            Unpooled.copiedBuffer(
                "*1\r\n$" + instead.length() + "\r\n" + instead + "\r\n",
                StandardCharsets.US_ASCII));
      }
    }
    return Unpooled.copiedBuffer(parts.toArray(new ByteBuf[0]));
  }

  private static int length(ByteBuffer from, ByteBuffer to) {
    return to.position() - from.position();
  }

  /** Adds the scripts and transactions that Redis has not answered. */
  void addScripts(List<VoidedCommand> scripts) {
    ByteBuffer command = entry.payload();
    boolean inBlock = false; // of a transaction; its scripts are executed by its end
    for (int i = 0; i < commands; i++) {
      boolean exec = PayloadCommands.isExec(command);
      boolean calls = PayloadCommands.callsScript(command);
      if (i >= answered && (calls || (exec && inBlock)) && !left.contains(i)) {
        scripts.add(new VoidedCommand(entry.index(), i));
      }
      inBlock = !exec && (inBlock || calls);
      PayloadCommands.skip(command);
    }
  }

  /** How many commands Redis has answered. */
  int answered() {
    return answered;
  }

  /**
   * Adds all that has an effect, but what is void, and the deletes of what is over: what a
   * transaction queues has no effect without its end.
   */
  void addAll(List<VoidedCommand> all) {
    PayloadCommands.forEachOutsideTransactions(
        entry.payload(),
        (command, place) -> {
          if (PayloadCommands.selectedBy(command) < 0
              && !PayloadCommands.isConditionalDelete(command)
              && !left.contains(place)) {
            all.add(new VoidedCommand(entry.index(), place));
          }
        });
  }

  /** Whether one that is void is still on its way. */
  boolean hasVoidedUnderWay() {
    return voided.stream().anyMatch(command -> command >= answered);
  }

  /** True when the command was answered already. */
  boolean isAnswered(int command) {
    return answered > command;
  }

  /** The command is void since now. Redis is being told to end it. */
  void voided(int command) {
    if (!left.contains(command)) {
      voided.add(command);
    }
  }

  /** Its replies must not be known to anybody from this command on, as it may become void. */
  void hold(int command) {
    heldFrom = Math.min(heldFrom, command);
  }

  /** Nothing is about to become void any more. */
  void release() {
    heldFrom = Integer.MAX_VALUE;
  }

  @Override
  public void onReply(ByteBuf frame) {
    if (!owner.isSound()) {
      return;
    }
    int command = answered;
    answered++;
    owner.onAnswer();
    boolean kept = voided.contains(command) ? hasEnded(command, frame) : isResult(command, frame);
    if (kept && replies != null) {
      replies.onReply(left.contains(command) ? killed() : frame);
    }
  }

  private static ByteBuf killed() {
    return Unpooled.copiedBuffer("-ERR " + KILLED + ".\r\n", StandardCharsets.US_ASCII);
  }

  /** Redis ends a script only as long as it has written nothing: then it had no effect. */
  private boolean hasEnded(int command, ByteBuf frame) {
    if (NodeLocalError.isKilled(frame)) {
      return true;
    }
    missed(command, NodeLocalError.PASSING, "it was executed before it was known to be void");
    return false;
  }

  private boolean isResult(int command, ByteBuf frame) {
    if (command >= heldFrom) {
      missed(command, NodeLocalError.PASSING, "it ended while it was being declared void");
      return false;
    }
    if (!NodeLocalError.isError(frame)) {
      return !lackedScript(command, frame);
    }
    NodeLocalError error = nodeLocal(command, frame);
    if (error != null) {
      missed(command, error, text(frame));
      return false;
    }
    return true;
  }

  /** Somebody has taken the scripts from this Redis, and a transaction went on without one. */
  private boolean lackedScript(int command, ByteBuf frame) {
    if (!NodeLocalError.isArray(frame)) {
      return false;
    }
    walkTo(command);
    if (!PayloadCommands.isExec(walk) || !NodeLocalError.lackedScript(frame)) {
      return false;
    }
    MissedCommand missed = new MissedCommand(entry.index(), command, NodeLocalError.NO_SCRIPT);
    if (owner.wasMissedBefore(missed)) {
      return false; // a script can say what Redis says
    }
    owner.onMissed(missed, NodeLocalError.PASSING);
    return true;
  }

  private void missed(int command, NodeLocalError error, String text) {
    owner.onMissed(new MissedCommand(entry.index(), command, text), error);
  }

  /** Walks on from the last error, so that many of them cost one walk. */
  private void walkTo(int command) {
    for (; walked < command; walked++) {
      PayloadCommands.skip(walk);
    }
  }

  private NodeLocalError nodeLocal(int command, ByteBuf frame) {
    walkTo(command);
    if (PayloadCommands.selectedBy(walk) >= 0) {
      return NodeLocalError.ofSelect(frame);
    }
    if (left.contains(command) || !PayloadCommands.callsScript(walk)) {
      NodeLocalError error = NodeLocalError.of(frame);
      // A library may take too long on every node, or say so itself: then it does again.
      boolean late = error == null && NodeLocalError.isLoadedTooSlowly(frame);
      return late && !owner.wasMissedBefore(new MissedCommand(entry.index(), command, text(frame)))
          ? NodeLocalError.PASSING
          : error;
    }
    NodeLocalError error = NodeLocalError.ofScript(frame);
    // A script can say what Redis says. It says so every time. But who ends a script may do so
    // twice.
    boolean own =
        error != null
            && !NodeLocalError.isKilled(frame)
            && owner.wasMissedBefore(new MissedCommand(entry.index(), command, text(frame)));
    return own ? null : error;
  }

  private static String text(ByteBuf frame) {
    return frame.toString(StandardCharsets.UTF_8).strip();
  }

  @Override
  public void onLost() {
    // The owner hears of the end, and sends every entry again that was not applied.
  }
}
