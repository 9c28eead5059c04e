package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Error replies that tell of this node and not of the command. Every replica must get the same
 * result, so one of these in answer to a committed command means that this node missed it.
 *
 * <p>What a command may answer on every node is never one: the leader logs nothing that the command
 * table does not know, subcommands included. Scripts may answer with any text, so that for theirs
 * only Redis's own sentences count.
 */
enum NodeLocalError {
  /** Redis was not able to at that moment; loaded anew it may be. */
  PASSING,

  /** Redis is set up differently from the other nodes' and would refuse again. */
  LASTING;

  /** What Redis says when it lacks a script, whole. */
  static final String NO_SCRIPT = "-NOSCRIPT No matching script. Please use EVAL.";

  private static final ByteBuf NO_SCRIPT_BYTES =
      Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(code(NO_SCRIPT)));

  private static final ByteBuf LOAD_TIMEOUT =
      Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(code("FUNCTION LOAD timeout")));

  private static final List<byte[]> PASSING_CODES =
      List.of(
          code("-OOM "),
          code("-MISCONF "),
          code("-READONLY "),
          code("-LOADING "),
          code("-BUSY "),
          code("-MASTERDOWN "),
          code("-NOAUTH "),
          code("-NOPERM "),
          code("-NOREPLICAS "),
          // EXEC itself was refused with one of the above; a command that was wrong when it was
          // queued has "because of previous errors".
          code("-EXECABORT Transaction discarded because of: "));

  /** How the sentences begin that Redis says when it does not run a script, or stops it. */
  private static final List<byte[]> PASSING_SCRIPT_TEXTS =
      List.of(
          // The log has each script before its first call, and loads it wherever Redis begins anew.
          code(NO_SCRIPT + "\r\n"),
          code("-OOM command not allowed"),
          code("-MISCONF Redis is configured"),
          code("-MISCONF Errors writing"),
          code("-READONLY You can't write"),
          code("-LOADING Redis is loading"),
          code("-BUSY Redis is busy"),
          code("-MASTERDOWN Link with MASTER"),
          code("-NOAUTH Authentication required"),
          code("-NOPERM this user has no permissions"),
          code("-NOPERM User "),
          code("-NOREPLICAS Not enough"));

  /** How they begin where somebody has ended the script; of Redis 6.2 in between. */
  private static final byte[] KILLED = code("-ERR Script killed by user with ");

  private static final byte[] KILLED_IN_6_2 = code("-ERR Error running script");

  /** Not "unknown subcommand or wrong number of arguments": the latter is a result. */
  private static final List<byte[]> LASTING_TEXTS =
      List.of(code("-ERR unknown command"), code("-ERR unknown subcommand '"));

  /** What a reply to a committed command tells of this node; null when it is the result. */
  static NodeLocalError of(ByteBuf reply) {
    if (!isError(reply)) {
      return null;
    }
    if (startsWithAny(reply, PASSING_CODES)) {
      return PASSING;
    }
    return startsWithAny(reply, LASTING_TEXTS) ? LASTING : null;
  }

  /** What a reply to the call of a script tells: as {@link #of}. */
  static NodeLocalError ofScript(ByteBuf reply) {
    return isError(reply) && (startsWithAny(reply, PASSING_SCRIPT_TEXTS) || isKilled(reply))
        ? PASSING
        : null;
  }

  /**
   * Whether a reply says that somebody has ended the script, which Redis lets happen only before it
   * writes.
   */
  static boolean isKilled(ByteBuf reply) {
    return startsWith(reply, KILLED)
        || (startsWith(reply, KILLED_IN_6_2)
            && reply
                .toString(StandardCharsets.ISO_8859_1)
                .contains(": Script killed by user with "));
  }

  /**
   * Whether a reply says that a library's body took longer than Redis allows, by the time of the
   * clock on the wall.
   */
  static boolean isLoadedTooSlowly(ByteBuf reply) {
    return isError(reply) && ByteBufUtil.indexOf(LOAD_TIMEOUT, reply) >= 0;
  }

  /**
   * What a reply to a {@code SELECT} tells: the leader selects databases that it has itself, so
   * that every error is one of this node's; null when it is none.
   */
  static NodeLocalError ofSelect(ByteBuf reply) {
    NodeLocalError general = of(reply);
    return general == null && isError(reply) ? LASTING : general;
  }

  /** Whether one of the replies to what a transaction ran says that Redis lacks the script. */
  static boolean lackedScript(ByteBuf reply) {
    return ByteBufUtil.indexOf(NO_SCRIPT_BYTES, reply) >= 0
        && RespValue.parse(reply.duplicate()).asList().stream()
            .anyMatch(one -> one.isError() && ("-" + one.asString()).equals(NO_SCRIPT));
  }

  static boolean isArray(ByteBuf reply) {
    return reply.isReadable() && reply.getByte(reply.readerIndex()) == '*';
  }

  static boolean isError(ByteBuf reply) {
    return reply.isReadable() && reply.getByte(reply.readerIndex()) == '-';
  }

  private static boolean startsWithAny(ByteBuf reply, List<byte[]> prefixes) {
    for (byte[] prefix : prefixes) {
      if (startsWith(reply, prefix)) {
        return true;
      }
    }
    return false;
  }

  private static boolean startsWith(ByteBuf reply, byte[] prefix) {
    if (reply.readableBytes() < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (reply.getByte(reply.readerIndex() + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] code(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
