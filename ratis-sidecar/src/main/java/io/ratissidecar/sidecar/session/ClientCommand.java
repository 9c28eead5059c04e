package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.config.Mode;
import io.ratissidecar.statemachine.command.LocalPlan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** {@code CLIENT}: about the connections of this sidecar, in Redis's forms. */
final class ClientCommand {
  static final String INVALID_NAME =
      "ERR Client names cannot contain spaces, newlines or special characters.";

  /** A client that is told nothing would go on with what it has cached for ever. */
  private static final String UNTOLD =
      "ERR CLIENT TRACKING is refused without BCAST: all clients' reads share connections to Redis, which so can't know who"
          + " has read a key";

  private static final String NO_REDIRECT =
      "ERR CLIENT TRACKING is refused with REDIRECT: the local Redis knows the sidecar's clients by other ids. Use RESP3"
          + " (HELLO 3), where the messages come over the client's own connection";

  private static final String NO_NOLOOP =
      "ERR CLIENT TRACKING is refused with NOLOOP: the local Redis does not know which client a replicated write is of";

  private final Session session;
  private final Request request;

  private ClientCommand(Session session, Request request) {
    this.session = session;
    this.request = request;
  }

  static boolean run(Session session, Request request) {
    return new ClientCommand(session, request).run();
  }

  /** About keys of the local Redis, read over this client's own connection to it. */
  static boolean isOfLocalRedis(Request request) {
    return request.argCount() > 1
        && request.argIs(0, "CLIENT")
        && (request.argIs(1, "TRACKING")
            || request.argIs(1, "TRACKINGINFO")
            || request.argIs(1, "CACHING")
            || request.argIs(1, "GETREDIR"));
  }

  static boolean isValidName(String name) {
    return name.chars().allMatch(c -> c >= '!' && c <= '~');
  }

  private boolean turnsTrackingOn() {
    return request.argCount() > 2 && request.argIs(1, "TRACKING") && request.argIs(2, "ON");
  }

  /** Names of prefixes and clients are no options. */
  private boolean hasTrackingOption(String option) {
    for (int i = 3; i < request.argCount(); i++) {
      if (request.argIs(i, option)) {
        return true;
      }
      if (request.argIs(i, "PREFIX") || request.argIs(i, "REDIRECT")) {
        i++;
      }
    }
    return false;
  }

  private boolean run() {
    if (request.argCount() < 2) {
      error("ERR wrong number of arguments for 'client' command");
      return true;
    }
    if (turnsTrackingOn() && hasTrackingOption("REDIRECT")) {
      error(NO_REDIRECT);
      return true;
    }
    if (turnsTrackingOn() && hasTrackingOption("NOLOOP")) {
      error(NO_NOLOOP);
      return true;
    }
    if (turnsTrackingOn()
        && !hasTrackingOption("BCAST")
        && session.services().config().mode() == Mode.TRANSPARENT) {
      error(UNTOLD);
      return true;
    }
    if (isOfLocalRedis(request)) {
      return session.local().forward(request);
    }
    String sub = request.argString(1).toUpperCase(Locale.ROOT);
    session.setLastCommand("client|" + sub.toLowerCase(Locale.ROOT));
    switch (sub) {
      case "ID" -> slot().reply(out -> Resp.writeInteger(out, session.id()));
      case "GETNAME" -> slot().reply(this::writeName);
      case "SETNAME" -> setName();
      case "SETINFO" -> setInfo();
      case "INFO" -> slot().reply(out -> Resp.writeBulk(out, describe(session) + "\n"));
      case "LIST" -> list();
      case "KILL" -> kill();
      case "REPLY" -> reply();
      case "UNBLOCK" -> unblock();
      case "NO-EVICT", "NO-TOUCH" -> onOff();
      default -> error(whyNot());
    }
    return true;
  }

  private String whyNot() {
    return session.services().commands().planLocal(request) instanceof LocalPlan.Refused refused
        ? refused.error()
        : "ERR unknown subcommand '"
            + request.argString(1)
            + "'. The sidecar has CLIENT ID, INFO, LIST, KILL, UNBLOCK, GETNAME, SETNAME, SETINFO, REPLY, NO-EVICT, NO-TOUCH,"
            + " TRACKING.";
  }

  /** {@code CLIENT UNBLOCK id [TIMEOUT|ERROR]}. */
  private void unblock() {
    if (!arity(request.argCount() == 3 || request.argCount() == 4)) {
      return;
    }
    boolean withError = request.argCount() == 4 && request.argIs(3, "ERROR");
    if (request.argCount() == 4 && !withError && !request.argIs(3, "TIMEOUT")) {
      error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
      return;
    }
    long id = request.argLong(2);
    if (id == Request.NOT_A_NUMBER) {
      error("ERR value is not an integer or out of range");
      return;
    }
    boolean unblocked =
        session.services().sessions().all().stream()
            .anyMatch(other -> other.id() == id && other.unblock(withError));
    slot().reply(out -> Resp.writeInteger(out, unblocked ? 1 : 0));
  }

  private Slot slot() {
    return session.slot(Lane.IMMEDIATE);
  }

  private void error(String text) {
    slot().error(text);
  }

  private boolean arity(boolean right) {
    if (!right) {
      error(
          "ERR wrong number of arguments for 'client|"
              + request.argString(1).toLowerCase(Locale.ROOT)
              + "' command");
    }
    return right;
  }

  private void writeName(ByteBuf out) {
    if (session.name().isEmpty()) {
      Resp.writeNull(out, session.protocol());
    } else {
      Resp.writeBulk(out, session.name());
    }
  }

  private void setName() {
    if (!arity(request.argCount() == 3)) {
      return;
    }
    String name = request.argString(2);
    if (isValidName(name)) {
      session.setName(name);
      slot().ok();
    } else {
      error(INVALID_NAME);
    }
  }

  private void setInfo() {
    if (!arity(request.argCount() == 4)) {
      return;
    }
    String value = request.argString(3);
    if (request.argIs(2, "LIB-NAME") && isValidName(value)) {
      session.setLibrary(value, null);
    } else if (request.argIs(2, "LIB-VER") && isValidName(value)) {
      session.setLibrary(null, value);
    } else if (isValidName(value)) {
      error("ERR Unrecognized option '" + request.argString(2) + "'");
      return;
    } else {
      error(
          "ERR "
              + request.argString(2)
              + " cannot contain spaces, newlines or special characters.");
      return;
    }
    slot().ok();
  }

  private void reply() {
    if (!arity(request.argCount() == 3)) {
      return;
    }
    if (request.argIs(2, "ON")) {
      session.setReplyMode(Session.ReplyMode.ON);
      session.audibleSlot(Lane.IMMEDIATE).ok(); // also behind a SKIP
    } else if (request.argIs(2, "OFF")) {
      session.setReplyMode(Session.ReplyMode.OFF);
    } else if (request.argIs(2, "SKIP")) {
      if (session.replyMode() == Session.ReplyMode.ON) {
        session.skipNextReply();
      }
    } else {
      error("ERR syntax error");
    }
  }

  private void onOff() {
    if (!arity(request.argCount() == 3)) {
      return;
    }
    if (request.argIs(2, "ON") || request.argIs(2, "OFF")) {
      slot().ok(); // the sidecar evicts no client and no key, so both are as asked already
    } else {
      error("ERR syntax error");
    }
  }

  private void list() {
    Predicate<Session> filter = s -> true;
    if (request.argCount() > 3 && request.argIs(2, "ID")) {
      List<Long> ids = new ArrayList<>();
      for (int i = 3; i < request.argCount(); i++) {
        Long id = id(i);
        if (id == null) {
          error("ERR Invalid client ID");
          return;
        }
        ids.add(id);
      }
      filter = s -> ids.contains(s.id());
    } else if (request.argCount() == 4 && request.argIs(2, "TYPE")) {
      Predicate<Session> type = type(request.argString(3));
      if (type == null) {
        error("ERR Unknown client type '" + request.argString(3) + "'");
        return;
      }
      filter = type;
    } else if (request.argCount() != 2) {
      error("ERR syntax error");
      return;
    }
    StringBuilder text = new StringBuilder();
    for (Session s : session.services().sessions().all()) {
      if (filter.test(s)) {
        text.append(describe(s)).append('\n');
      }
    }
    slot().reply(out -> Resp.writeBulk(out, text.toString()));
  }

  private Long id(int argument) {
    long id = request.argLong(argument);
    return id > 0 ? id : null; // also for what is no number
  }

  private static Predicate<Session> type(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "normal" -> s -> !s.isFromPeer() && !s.local().subscriptions().any();
      case "pubsub" -> s -> s.local().subscriptions().any();
      case "replica", "slave" -> Session::isFromPeer;
      case "master" -> s -> false;
      default -> null;
    };
  }

  private void kill() {
    if (!arity(request.argCount() > 2)) {
      return;
    }
    if (request.argCount() == 3) {
      String address = request.argString(2);
      List<Session> found = matching(s -> s.client().remoteAddress().equals(address));
      if (found.isEmpty()) {
        error("ERR No such client");
      } else {
        slot().ok();
        found.forEach(this::end);
      }
      return;
    }
    if (request.argCount() < 4 || request.argCount() % 2 != 0) {
      error("ERR syntax error");
      return;
    }
    Predicate<Session> filter = s -> true;
    boolean skipMe = true;
    boolean named = false;
    for (int i = 2; i < request.argCount(); i += 2) {
      String value = request.argString(i + 1);
      if (request.argIs(i, "SKIPME")) {
        if (!request.argIs(i + 1, "YES") && !request.argIs(i + 1, "NO")) {
          error("ERR syntax error");
          return;
        }
        skipMe = request.argIs(i + 1, "YES");
        continue;
      }
      Predicate<Session> next = killFilter(i, value);
      if (next == null) {
        return;
      }
      named |= request.argIs(i, "ID") || request.argIs(i, "ADDR");
      filter = filter.and(next);
    }
    boolean keepMe = skipMe;
    boolean keepPeers = !named; // other nodes' links carry many clients' commands
    List<Session> found =
        matching(
            filter
                .and(s -> !keepMe || s.id() != session.id())
                .and(s -> !keepPeers || !s.isFromPeer()));
    slot().reply(out -> Resp.writeInteger(out, found.size()));
    found.forEach(this::end);
  }

  private Predicate<Session> killFilter(int option, String value) {
    if (request.argIs(option, "ID")) {
      Long id = id(option + 1);
      if (id == null) {
        error("ERR client-id should be greater than 0");
        return null;
      }
      return s -> s.id() == id;
    }
    if (request.argIs(option, "ADDR")) {
      return s -> s.client().remoteAddress().equals(value);
    }
    if (request.argIs(option, "LADDR")) {
      return s -> s.client().localAddress().equals(value);
    }
    if (request.argIs(option, "USER")) {
      if (!value.equals("default")) {
        error("ERR No such user '" + value + "'");
        return null;
      }
      return s -> true;
    }
    if (!request.argIs(option, "TYPE")) {
      error("ERR syntax error");
      return null;
    }
    Predicate<Session> type = type(value);
    if (type == null) {
      error("ERR Unknown client type '" + value + "'");
    }
    return type;
  }

  private List<Session> matching(Predicate<Session> filter) {
    return session.services().sessions().all().stream().filter(filter).toList();
  }

  private void end(Session victim) {
    if (victim.id() == session.id()) {
      victim.close();
    } else {
      victim.client().close();
    }
  }

  /** In Redis's letters: connections of other nodes are shown as replicas. */
  private static String flags(Session s) {
    String flags =
        (s.isFromPeer() ? "S" : "")
            + (s.local().subscriptions().any() ? "P" : "")
            + (s.queuedCommands() < 0 ? "" : "x");
    return flags.isEmpty() ? "N" : flags;
  }

  /** With all of Redis's fields; those of its buffers, which there are none of here, are 0. */
  private String describe(Session s) {
    long now = s.services().nanoTime();
    // What this client has sent was taken out of its buffer already; Redis still counts it.
    long buffered =
        s.client().bufferedBytes()
            + (s.id() == session.id() ? request.frameEnd() - request.frameStart() : 0);
    return "id="
        + s.id()
        + " addr="
        + s.client().remoteAddress()
        + " laddr="
        + s.client().localAddress()
        + " fd=-1 name="
        + s.name()
        + " age="
        + TimeUnit.NANOSECONDS.toSeconds(now - s.createdNanos())
        + " idle="
        + TimeUnit.NANOSECONDS.toSeconds(now - s.lastCommandNanos())
        + " flags="
        + flags(s)
        + " db="
        + s.database()
        + s.local().subscriptions().describe()
        + " multi="
        + s.queuedCommands()
        + " qbuf="
        + buffered
        + " qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem="
        + buffered
        + " events=r cmd="
        + s.lastCommand()
        + " user=default redir=-1 resp="
        + s.protocol()
        + " lib-name="
        + s.libraryName()
        + " lib-ver="
        + s.libraryVersion();
  }
}
