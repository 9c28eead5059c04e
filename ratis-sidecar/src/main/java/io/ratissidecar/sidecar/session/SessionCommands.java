package io.ratissidecar.sidecar.session;

import io.ratissidecar.statemachine.command.LocalPlan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.script.RunningFunction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;

/**
 * Commands without the RAFT prefix: answered here, refused, or passed to the local Redis, as the
 * command table says.
 */
final class SessionCommands {
  private final Session session;

  SessionCommands(Session session) {
    this.session = session;
  }

  boolean mayRunUnauthenticated(Request request) {
    return request.argIs(0, "AUTH")
        || request.argIs(0, "HELLO")
        || request.argIs(0, "QUIT")
        || request.argIs(0, "RESET");
  }

  /** False when the request has to come again later. */
  boolean handle(Request request) {
    if (request.argIs(0, "CLIENT")) {
      // About connections of the sidecar, whatever the local Redis knows of CLIENT.
      return ClientCommand.run(session, request);
    }
    LocalPlan plan = session.services().commands().planLocal(request);
    if (plan instanceof LocalPlan.Refused refused) {
      session.slot(Lane.IMMEDIATE).error(refused.error());
      return true;
    }
    if (plan instanceof LocalPlan.Session) {
      if (request.argIs(0, "PING") || request.argIs(0, "ECHO")) {
        // Who asks wants to know how Redis is.
        if (!session.knowsWhetherBusy(session.services().isRedisLate())) {
          return false;
        }
        Optional<String> busy = session.services().busy();
        if (busy.isPresent()) {
          session.slot(Lane.IMMEDIATE).error(busy.get());
          return true;
        }
      }
      return answer(session, request);
    }
    return forward(session, request, plan);
  }

  private static boolean forward(Session session, Request request, LocalPlan plan) {
    if (plan instanceof LocalPlan.Deadline question) {
      Services services = session.services();
      return session
          .local()
          .forward(
              Request.of(services.commands().deadlineQuestion(question.key())),
              DeadlineReplies.of(question.reply(), services));
    }
    if (request.argIs(0, "FUNCTION") && request.argCount() == 2 && request.argIs(1, "STATS")) {
      return session.local().forward(request, RunningFunction::copy);
    }
    if (request.argIs(0, "CONFIG") && request.argCount() > 3 && request.argIs(1, "SET")) {
      Request copy = request.copyFrom(0);
      return session
          .local()
          .forward(
              request,
              (reply, out) -> {
                settingsChanged(session, copy);
                out.writeBytes(reply, reply.readerIndex(), reply.readableBytes());
              });
    }
    return session.local().forward(request);
  }

  /** Redis has taken {@code CONFIG SET name value …}. */
  private static void settingsChanged(Session session, Request request) {
    for (int i = 2; i + 1 < request.argCount(); i += 2) {
      long value = request.argLong(i + 1);
      if (value != Request.NOT_A_NUMBER) {
        String name = request.argString(i).toLowerCase(Locale.ROOT);
        session.services().redisSetting(name, value);
      }
    }
  }

  /**
   * Inside a {@code MULTI} of the local Redis, which runs everything at {@code EXEC}. What only the
   * sidecar can do is refused. False when the request has to come again later.
   */
  boolean inTransaction(Request request) {
    if (!session.enter(Lane.LOCAL)) {
      return false;
    }
    String name = request.argString(0).toUpperCase(Locale.ROOT);
    LocalPlan plan = session.services().commands().planLocal(request);
    if (plan instanceof LocalPlan.Refused refused) {
      session.local().refuseInTransaction(refused.error());
      return true;
    }
    boolean raft = request.argIs(0, "RAFT") || RaftCommands.isAdministrative(request);
    boolean ours =
        raft || plan instanceof LocalPlan.Session && !ClientCommand.isOfLocalRedis(request);
    boolean known =
        switch (name) {
          case "PING", "ECHO", "INFO", "COMMAND", "SELECT", "QUIT", "RESET" -> true;
          default -> false;
        };
    if ((ours && !known) || Subscriptions.isCommand(name.toLowerCase(Locale.ROOT))) {
      session
          .local()
          .refuseInTransaction(
              "ERR '"
                  + name.toLowerCase(Locale.ROOT)
                  + "' can't be part of a transaction through the sidecar");
      return true;
    }
    boolean asItIs = !ours || name.equals("PING") || name.equals("ECHO");
    return asItIs ? forward(session, request, plan) : answer(session, request);
  }

  /** Answers a command that needs no Redis, or changes what Redis says. */
  static boolean answer(Session session, Request request) {
    String name = request.argString(0).toUpperCase(Locale.ROOT);
    session.setLastCommand(name.toLowerCase(Locale.ROOT));
    return switch (name) {
      case "INFO" -> InfoCommand.run(session, request);
      case "COMMAND" -> CommandCommand.run(session, request);
      case "CLIENT" -> ClientCommand.run(session, request);
      case "CLUSTER", "ROLE" -> session.administer(request);
      case "SELECT" -> select(session, request);
      case "RESET" -> reset(session);
      default -> {
        simple(session, request, name);
        yield true;
      }
    };
  }

  private static void simple(Session session, Request request, String name) {
    switch (name) {
      case "PING" -> ping(session, request);
      case "ECHO" -> {
        byte[] text = request.argCount() == 2 ? request.arg(1) : null;
        if (text == null) {
          arity(session, name);
        } else {
          session.slot(Lane.IMMEDIATE).reply(out -> Resp.writeBulk(out, text));
        }
      }
      case "QUIT" -> {
        session.slot(Lane.IMMEDIATE).ok();
        session.close();
      }
      // Cluster clients say these to any node: with one shard, all answer alike.
      case "READONLY", "READWRITE", "ASKING" -> session.slot(Lane.IMMEDIATE).ok();
      case "AUTH" -> auth(session, request);
      case "HELLO" -> hello(session, request);
      default ->
          session
              .slot(Lane.IMMEDIATE)
              .error(
                  "ERR '"
                      + name.toLowerCase(Locale.ROOT)
                      + "' is not available through the sidecar");
    }
  }

  private static void arity(Session session, String name) {
    session
        .slot(Lane.IMMEDIATE)
        .error("ERR wrong number of arguments for '" + name.toLowerCase(Locale.ROOT) + "' command");
  }

  private static void ping(Session session, Request request) {
    if (request.argCount() > 2) {
      arity(session, "PING");
    } else if (request.argCount() == 2) {
      byte[] text = request.arg(1);
      session.slot(Lane.IMMEDIATE).reply(out -> Resp.writeBulk(out, text));
    } else {
      session.slot(Lane.IMMEDIATE).reply(Resp::writePong);
    }
  }

  private static boolean reset(Session session) {
    if (!session.awaitReplies()) {
      return false; // it ends the connections that earlier commands wait on
    }
    session.reset();
    session.slot(Lane.IMMEDIATE).reply(out -> Resp.writeSimple(out, "RESET"));
    return true;
  }

  private static boolean select(Session session, Request request) {
    Optional<String> error = selectError(session, request, 0);
    if (error.isPresent()) {
      boolean noNumber = request.argCount() == 2 && request.argLong(1) == Request.NOT_A_NUMBER;
      if (session.local().inTransaction() && noNumber) {
        return session.local().forward(request); // Redis says so at EXEC
      }
      if (session.local().inTransaction()) {
        session.local().refuseInTransaction(error.get());
      } else {
        session.slot(Lane.IMMEDIATE).error(error.get());
      }
      return true;
    }
    int database = (int) request.argLong(1);
    if (session.local().inTransaction()) {
      return session.local().selectInTransaction(request, database);
    }
    session.selectDatabase(database);
    session.slot(Lane.IMMEDIATE).ok();
    return true;
  }

  /** What Redis would say; it does not know that the last database is reserved. */
  static Optional<String> selectError(Session session, Request request, int name) {
    if (request.argCount() != name + 2) {
      return Optional.of("ERR wrong number of arguments for 'select' command");
    }
    long database = request.argLong(name + 1);
    if (database == Request.NOT_A_NUMBER) {
      return Optional.of("ERR value is not an integer or out of range");
    }
    boolean known = database >= 0 && database < session.services().commands().reservedDatabase();
    return known ? Optional.empty() : Optional.of("ERR DB index is out of range");
  }

  private static void auth(Session session, Request request) {
    if (request.argCount() < 2) {
      arity(session, "AUTH");
      return;
    }
    if (request.argCount() > 3) {
      session.slot(Lane.IMMEDIATE).error("ERR syntax error");
      return;
    }
    String user = request.argCount() == 3 ? request.argString(1) : "default";
    byte[] password = request.arg(request.argCount() - 1);
    if (request.argCount() == 2 && session.services().config().password().isEmpty()) {
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "ERR AUTH <password> called without any password configured for the default user. Are you sure your"
                  + " configuration is correct?");
      return;
    }
    if (login(session, user, password)) {
      session.slot(Lane.IMMEDIATE).ok();
    } else {
      session
          .slot(Lane.IMMEDIATE)
          .error("WRONGPASS invalid username-password pair or user is disabled.");
    }
  }

  private static boolean login(Session session, String user, byte[] password) {
    var expected = session.services().config().password();
    boolean right =
        user.equals("default")
            && (expected.isEmpty()
                || MessageDigest.isEqual(
                    expected.get().getBytes(StandardCharsets.UTF_8), password));
    if (right) {
      session.setAuthenticated(true);
    }
    return right;
  }

  private static void hello(Session session, Request request) {
    int protocol = session.protocol();
    int next = 1;
    if (request.argCount() > 1) {
      long wanted = request.argLong(1);
      if (wanted == Request.NOT_A_NUMBER) {
        session
            .slot(Lane.IMMEDIATE)
            .error("ERR Protocol version is not an integer or out of range");
        return;
      }
      if (wanted != 2 && wanted != 3) {
        session.slot(Lane.IMMEDIATE).error("NOPROTO unsupported protocol version");
        return;
      }
      protocol = (int) wanted;
      next = 2;
    }
    String newName = null;
    while (next < request.argCount()) {
      int left = request.argCount() - next - 1;
      if (request.argIs(next, "AUTH") && left >= 2) {
        if (!login(session, request.argString(next + 1), request.arg(next + 2))) {
          session
              .slot(Lane.IMMEDIATE)
              .error("WRONGPASS invalid username-password pair or user is disabled.");
          return;
        }
        next += 3;
      } else if (request.argIs(next, "SETNAME") && left >= 1) {
        newName = request.argString(next + 1);
        if (!ClientCommand.isValidName(newName)) {
          session.slot(Lane.IMMEDIATE).error(ClientCommand.INVALID_NAME);
          return;
        }
        next += 2;
      } else {
        session
            .slot(Lane.IMMEDIATE)
            .error("ERR Syntax error in HELLO option '" + request.argString(next) + "'");
        return;
      }
    }
    if (!session.isAuthenticated()) {
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user>"
                  + " <pass> option can be used to authenticate the client and select the RESP protocol version at the same"
                  + " time");
      return;
    }
    if (newName != null) {
      session.setName(newName);
    }
    session.useProtocol(protocol);
    greet(session, protocol);
  }

  private static void greet(Session session, int protocol) {
    session
        .slot(Lane.IMMEDIATE)
        .reply(
            out -> {
              Resp.writeMapHeader(out, 7, protocol);
              Resp.writeBulk(out, "server");
              Resp.writeBulk(out, "redis");
              Resp.writeBulk(out, "version");
              Resp.writeBulk(out, session.services().redisVersion());
              Resp.writeBulk(out, "proto");
              Resp.writeInteger(out, protocol);
              Resp.writeBulk(out, "id");
              Resp.writeInteger(out, session.id());
              Resp.writeBulk(out, "mode");
              Resp.writeBulk(out, "standalone");
              Resp.writeBulk(out, "role");
              Resp.writeBulk(out, session.services().isLeader() ? "master" : "replica");
              Resp.writeBulk(out, "modules");
              Resp.writeArrayHeader(out, 0);
            });
  }
}
