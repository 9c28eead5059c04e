package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code INFO}: what the local Redis says, less the reserved database, and a section of our own.
 */
final class InfoCommand {
  private static final Pattern BLOCKED = Pattern.compile("(?m)^blocked_clients:([0-9]+)");
  private static final Pattern CONNECTED = Pattern.compile("(?m)^connected_clients:[0-9]+");
  private static final Pattern AVERAGE_TTL = Pattern.compile("\\bavg_ttl=([0-9]{1,18})\\b");

  private InfoCommand() {}

  static boolean run(Session session, Request request) {
    int protocol = session.protocol();
    boolean onlyOurs = request.argCount() == 2 && request.argIs(1, "RAFT");
    if (onlyOurs && !session.local().inTransaction()) {
      String text = session.services().infoRaft();
      session.slot(Lane.IMMEDIATE).reply(out -> write(out, text, protocol));
      return true;
    }
    boolean withOurs = request.argCount() == 1;
    for (int i = 1; i < request.argCount(); i++) {
      withOurs |=
          request.argIs(i, "ALL")
              || request.argIs(i, "EVERYTHING")
              || request.argIs(i, "DEFAULT")
              || request.argIs(i, "RAFT");
    }
    boolean append = withOurs;
    return session
        .local()
        .forward(
            request,
            (reply, out) -> {
              String redis = RespValue.parse(reply).asString();
              String text = role(session, ourClients(session, hideReserved(session, redis)));
              write(out, append ? text + "\r\n" + session.services().infoRaft() : text, protocol);
            });
  }

  private static String hideReserved(Session session, String text) {
    String reserved = "db" + session.services().commands().reservedDatabase() + ":";
    String shown = AVERAGE_TTL.matcher(text).replaceAll(InfoCommand::users);
    int start = shown.indexOf("\n" + reserved);
    if (start < 0) {
      return shown;
    }
    int end = shown.indexOf('\n', start + 1);
    return shown.substring(0, start + 1) + (end < 0 ? "" : shown.substring(end + 1));
  }

  /** The users', as far as they all come out of the log; Redis guesses anyway. Else 0. */
  private static String users(MatchResult found) {
    long average = Long.parseLong(found.group(1));
    return "avg_ttl=" + Math.max(0, LogicalTime.fromRedis(average));
  }

  /**
   * Clients are connected to the sidecar. Those who wait there, or at the leader that it forwards
   * to, leave no trace in this Redis, and are blocked clients too.
   */
  private static String ourClients(Session session, String redis) {
    long clients =
        session.services().sessions().all().stream().filter(s -> !s.isFromPeer()).count();
    String text = CONNECTED.matcher(redis).replaceFirst("connected_clients:" + clients);
    long blocked =
        session.services().blocked().count()
            + session.services().sessions().all().stream()
                .filter(s -> s.proxy().isBlocked())
                .count();
    Matcher line = BLOCKED.matcher(text);
    return blocked > 0 && line.find()
        ? line.replaceFirst("blocked_clients:" + (Long.parseLong(line.group(1)) + blocked))
        : text;
  }

  /** Every local Redis is a master of its own; to clients a follower is the leader's replica. */
  private static String role(Session session, String text) {
    return session
        .services()
        .remoteLeader()
        .map(
            leader ->
                text.replaceFirst(
                    "(?m)^role:master$",
                    "role:slave\r\nmaster_host:"
                        + Matcher.quoteReplacement(leader.host())
                        + "\r\nmaster_port:"
                        + leader.port()
                        + "\r\nmaster_link_status:up"))
        .orElse(text);
  }

  private static void write(ByteBuf out, String text, int protocol) {
    if (protocol == 2) {
      Resp.writeBulk(out, text);
      return;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeCharSequence("=" + (bytes.length + 4) + "\r\ntxt:", StandardCharsets.US_ASCII);
    out.writeBytes(bytes);
    out.writeCharSequence("\r\n", StandardCharsets.US_ASCII);
  }
}
