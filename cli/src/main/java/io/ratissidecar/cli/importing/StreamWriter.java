package io.ratissidecar.cli.importing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs the commands of the source's stream in the cluster, in order and each exactly once. They go
 * in blocks, each a {@code RAFT MULTI} that also sets a key, the position, to the offset in the
 * source's stream behind the block. One block is under way at a time. When its outcome is not
 * known, the position tells whether it took effect.
 *
 * <p>The position stands in the database of the block, since a {@code RAFT MULTI} can't change
 * databases; {@link #removePosition} removes it from all of them. For one thread.
 */
final class StreamWriter {
  private static final String POSITION = "ratis-sidecar:import:";
  private static final byte[] RAFT = "RAFT".getBytes(US_ASCII);
  private static final byte[] MULTI = "MULTI".getBytes(US_ASCII);
  private static final byte[] EXEC = "EXEC".getBytes(US_ASCII);
  private static final byte[] SET = "SET".getBytes(US_ASCII);
  private static final byte[] GET = "GET".getBytes(US_ASCII);
  private static final byte[] DEL = "DEL".getBytes(US_ASCII);

  private final LeaderLink link;
  private final Consumer<String> warnings;
  private final byte[] position;
  private boolean used;

  /**
   * @param sourceId of the source's history, so that imports from different sources don't meet
   */
  StreamWriter(LeaderLink link, String sourceId, Consumer<String> warnings) {
    this.link = link;
    this.warnings = warnings;
    this.position = (POSITION + sourceId).getBytes(US_ASCII);
  }

  /**
   * Runs commands of one database; returns when they have taken effect.
   *
   * @throws IllegalStateException when the cluster refuses a command for good; nothing of the block
   *     has taken effect then, or all of it when the refusal came from Redis
   */
  void run(List<SourceCommand> block) throws IOException {
    if (block.get(0).standsAlone()) {
      runAlone(block.get(0));
      return;
    }
    used = true;
    boolean again = false;
    while (true) {
      try {
        if (again && tookEffect(block)) {
          return;
        }
        execute(block);
        return;
      } catch (LeaderLink.LostException e) {
        link.reconnect();
        again = true;
      } catch (TooLongException e) {
        int half = block.size() / 2;
        run(block.subList(0, half));
        run(block.subList(half, block.size()));
        return;
      }
    }
  }

  private void runAlone(SourceCommand command) throws IOException {
    RespValue reply = link.repeat(command.database(), command.withRaft());
    if (reply instanceof RespValue.Error error) {
      if (command.name().equals("FLUSHALL")) {
        throw failure(command, error.message());
      }
      warnings.accept(command.name() + " is not imported: " + error.message());
    }
  }

  private boolean tookEffect(List<SourceCommand> block) throws LeaderLink.LostException {
    link.send(database(block), RAFT, GET, position);
    String reached = link.receive().asString();
    return Long.toString(end(block)).equals(reached);
  }

  private void execute(List<SourceCommand> block)
      throws LeaderLink.LostException, TooLongException {
    int database = database(block);
    // A refused MULTI must be known before anything follows, which would stand for itself.
    link.send(database, RAFT, MULTI);
    requireNoError(link.receive(), block);
    for (SourceCommand command : block) {
      link.send(database, command.withRaft());
    }
    link.send(database, RAFT, SET, position, Long.toString(end(block)).getBytes(US_ASCII));
    link.send(database, RAFT, EXEC);
    String refusal = null;
    for (int i = 0; i <= block.size(); i++) {
      if (link.receive() instanceof RespValue.Error error && refusal == null) {
        refusal = i < block.size() ? block.get(i) + ": " + error.message() : error.message();
      }
    }
    RespValue outcome = link.receive();
    if (outcome instanceof RespValue.Error error) {
      String why = refusal == null ? block.get(0) + ": " + error.message() : refusal;
      refuse(block, why);
    }
    List<RespValue> replies = outcome.asList();
    for (int i = 0; i < block.size(); i++) {
      requireNoError(replies.get(i), block.subList(i, i + 1));
    }
  }

  private static void requireNoError(RespValue reply, List<SourceCommand> block)
      throws TooLongException {
    if (reply instanceof RespValue.Error error) {
      refuse(block, block.get(0) + ": " + error.message());
    }
  }

  private static void refuse(List<SourceCommand> block, String why) throws TooLongException {
    boolean tooLong = Limits.isTooLong(why);
    if (tooLong && block.size() > 1) {
      throw new TooLongException();
    }
    throw new IllegalStateException(
        "can't run "
            + (tooLong ? block.get(0) + ": " + Limits.TOO_LONG : why)
            + " (before offset "
            + end(block)
            + " of the source's stream)");
  }

  private static IllegalStateException failure(SourceCommand command, String error) {
    return new IllegalStateException("can't run " + command + ": " + error);
  }

  private static int database(List<SourceCommand> block) {
    return block.get(0).database();
  }

  private static long end(List<SourceCommand> block) {
    return block.get(block.size() - 1).endOffset();
  }

  /** Removes what was kept in the users' databases, or says that it can't. */
  void removePosition() throws IOException {
    if (!used) {
      return;
    }
    if (!link.isConnected()) {
      warnings.accept(
          "The key '" + new String(position, US_ASCII) + "' is left in the cluster; delete it");
      return;
    }
    // In all of them: SWAPDB may have moved it.
    for (int database = 0; database < link.databases(); database++) {
      link.repeat(database, RAFT, DEL, position);
    }
  }

  /** Not as one transaction: its parts may go one after the other. */
  private static final class TooLongException extends Exception {
    private static final long serialVersionUID = 1L;
  }
}
