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
   * Other commands go into the log in its place. More than one can't be queued in a {@code MULTI}:
   * they would answer more than once, and some of them select databases.
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
   * Waits until the keys hold something; what then goes into the log does not wait.
   *
   * @param attempt the command that goes into the log, also where there is no waiting, in a
   *     transaction; a null as its reply means that there was nothing
   * @param keys what is waited for
   * @param timeoutMillis how long; 0 for ever
   */
  record Blocking(byte[][] attempt, List<byte[]> keys, long timeoutMillis) implements Plan {
    @Override
    public byte[][][] logged(Request request, int name) {
      return new byte[][][] {attempt};
    }

    /**
     * Whether the attempt, since it is a script, says with a null string what clients of RESP2
     * expect as a null array. No script can make one.
     */
    public boolean nullIsArray() {
      return new String(attempt[0], StandardCharsets.US_ASCII).equals("EVAL");
    }
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

  /** Becomes one of the others with the knowledge which scripts the log has. */
  record Script(CommandSpec command) implements Plan {}

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
