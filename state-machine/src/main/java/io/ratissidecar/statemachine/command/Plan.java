package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What becomes of one command that is to be replicated or read linearizably. */
public sealed interface Plan {
  /** Into the log, byte for byte as the client sent it. */
  Plan VERBATIM = Verbatim.INSTANCE;

  /** A linearizable read, as the client sent it. */
  Plan READ = Read.INSTANCE;

  /** Whether the client's command is what is sent. */
  default boolean isAsItIs() {
    return this == VERBATIM || this == READ;
  }

  /**
   * The commands that go into the log for it, each its arguments; not to be changed. All but a
   * {@link Rewritten} have one.
   *
   * @param request the client's
   * @param name the argument that is the command's name
   */
  default byte[][][] logged(Request request, int name) {
    return new byte[][][] {request.args(name)};
  }

  /** Which of the replies to what is {@link #logged} is the client's. */
  default int replyIndex() {
    return 0;
  }

  /** Into the log as it is. */
  enum Verbatim implements Plan {
    INSTANCE
  }

  /** A linearizable read. */
  enum Read implements Plan {
    INSTANCE
  }

  /**
   * Other commands go into the log in its place.
   *
   * @param commands commands, each its arguments; not to be changed
   * @param replyIndex the command whose reply is the client's
   */
  record Rewritten(byte[][][] commands, int replyIndex) implements Plan {

    @Override
    public byte[][][] logged(Request request, int name) {
      return commands;
    }

    /** One command in place of one. */
    public static Rewritten single(byte[][] command) {
      return new Rewritten(new byte[][][] {command}, 0);
    }

    /** Whether it is one command, and so may stand in a {@code MULTI}. */
    public boolean single() {
      return commands.length == 1;
    }

    /** Appends the commands in RESP. */
    public void writeTo(ByteBuf out) {
      for (byte[][] command : commands) {
        Resp.command(out, command);
      }
    }
  }

  /**
   * Waits until the keys hold something; what is then executed does not wait.
   *
   * @param attempt what is executed, also where there is no waiting, in a transaction; a null as
   *     its reply means that there was nothing
   * @param kind who else may have what there is
   * @param type the only one, in Redis's words, that a key can hold it in
   * @param keys what is waited for
   * @param timeoutMillis how long; 0 for ever
   */
  record Blocking(Plan attempt, Waiting kind, String type, List<byte[]> keys, long timeoutMillis)
      implements Plan {

    /** A command that takes something away, in its form that does not wait. */
    static Blocking taking(byte[][] attempt, String type, List<byte[]> keys, long timeoutMillis) {
      return new Blocking(Rewritten.single(attempt), Waiting.TO_TAKE, type, keys, timeoutMillis);
    }

    /** The words that are executed; those of {@code attempt}, before a leader completes it. */
    public byte[][] words() {
      if (attempt instanceof InPrelude inPrelude) {
        return inPrelude.command();
      }
      return attempt instanceof ReadInstead read
          ? read.command()
          : ((Rewritten) attempt).commands()[0];
    }

    /**
     * Whether the attempt, since it is a script, says with a null string what clients of RESP2
     * expect as a null array. No script can make one.
     */
    public boolean nullIsArray() {
      return attempt instanceof InPrelude
          || new String(words()[0], StandardCharsets.US_ASCII).equals("EVAL");
    }
  }

  /** What somebody waits for. */
  enum Waiting {
    /** What it gets, nobody else gets. */
    TO_TAKE,
    /**
     * As {@link #TO_TAKE}, as a consumer of a group, which hears at once when there is no group.
     */
    IN_GROUP,
    /** Everybody gets it. */
    TO_READ
  }

  /**
   * A linearizable read of a key's deadline, which Redis keeps in another time: the reply is made
   * of what {@link DeadlineScript#stored} or {@code PEXPIRETIME} says.
   */
  record Deadline(byte[] key, DeadlineReply reply) implements Plan {
    @Override
    public byte[][][] logged(Request request, int name) {
      return new byte[][][] {DeadlineScript.stored(key)};
    }
  }

  /**
   * A linearizable read, for which another command is asked in its place.
   *
   * @param command its arguments; not to be changed
   */
  record ReadInstead(byte[][] command) implements Plan {
    @Override
    public byte[][][] logged(Request request, int name) {
      return new byte[][][] {command};
    }
  }

  /** Becomes one of the others with what only a leader knows. */
  sealed interface Open extends Plan {}

  /** The client's own script, or a command about scripts: the leader knows which the log has. */
  record Script(CommandSpec command) implements Open {}

  /**
   * {@code SPOP}: takes members of a set that the leader's Redis has chosen.
   *
   * @param count how many; {@link #ONE} for one, and a reply that is no set
   * @param candidates what to take as far as it is still there; null while it is not chosen
   */
  record Pop(byte[] key, long count, List<byte[]> candidates) implements Open {
    /** The form without a count. */
    public static final long ONE = -1;

    /** The same with what was chosen. */
    public Pop from(List<byte[]> chosen) {
      return new Pop(key, count, chosen);
    }
  }

  /**
   * Runs as if it were a script's command: those have the entry's clock and seed.
   *
   * @param command its arguments; not to be changed
   * @param readOnly whether it changes nothing
   * @param nullIsArray whether a null in its reply is one in place of an array
   */
  record InPrelude(byte[][] command, boolean readOnly, boolean nullIsArray) implements Open {}

  /** This text is the answer, and nothing else happens. */
  record Answered(String text) implements Plan {}

  /** The session answers. */
  record Session(CommandSpec command) implements Plan {}

  /**
   * An error is the answer, and nothing else happens.
   *
   * @param error with its code, without the dash: {@code ERR …}
   */
  record Refused(String error) implements Plan {}
}
