package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.ReplyScanner;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** {@code COMMAND}: what the local Redis says, and the commands of our own. */
final class CommandCommand {
  private record Own(int arity, String summary) {}

  private static final Map<String, Own> OWN = new LinkedHashMap<>();

  static {
    OWN.put("raft", new Own(-2, "Runs a command through the replicated log"));
    OWN.put("raft.cluster", new Own(-2, "Forms a cluster or joins one"));
    OWN.put("raft.node", new Own(-2, "Adds, removes and lists nodes"));
    OWN.put("raft.snapshot", new Own(-1, "Takes a snapshot of this node"));
    OWN.put("raft.transfer_leader", new Own(-1, "Hands leadership to another node"));
  }

  private CommandCommand() {}

  static boolean run(Session session, Request request) {
    int protocol = session.protocol();
    if (request.argCount() == 1) {
      return session.local().forward(request, (reply, out) -> appendInfo(reply, out, protocol));
    }
    if (request.argIs(1, "COUNT")) {
      return session
          .local()
          .forward(request, (reply, out) -> Resp.writeInteger(out, number(reply, 1) + OWN.size()));
    }
    if (request.argIs(1, "LIST") && request.argCount() == 2) {
      return session.local().forward(request, CommandCommand::appendNames);
    }
    if (request.argIs(1, "DOCS") && request.argCount() == 2) {
      return session.local().forward(request, (reply, out) -> appendDocs(reply, out, protocol));
    }
    if (request.argIs(1, "INFO") && request.argCount() > 2) {
      Request copy = request.copyFrom(0);
      return session
          .local()
          .forward(request, (reply, out) -> replaceInfo(copy, reply, out, protocol));
    }
    return session.local().forward(request);
  }

  /** The number behind the type byte of a reply's first line. */
  private static long number(ByteBuf reply, int offset) {
    int start = reply.readerIndex() + offset;
    int end = reply.indexOf(start, reply.writerIndex(), (byte) '\r');
    return Long.parseLong(reply.toString(start, end - start, StandardCharsets.US_ASCII));
  }

  private static ByteBuf elements(ByteBuf reply) {
    int line = reply.indexOf(reply.readerIndex(), reply.writerIndex(), (byte) '\n') + 1;
    return reply.slice(line, reply.writerIndex() - line);
  }

  private static void appendInfo(ByteBuf reply, ByteBuf out, int protocol) {
    Resp.writeArrayHeader(out, (int) number(reply, 1) + OWN.size());
    out.writeBytes(elements(reply));
    OWN.forEach((name, own) -> writeInfo(out, name, own, protocol));
  }

  private static void appendNames(ByteBuf reply, ByteBuf out) {
    Resp.writeArrayHeader(out, (int) number(reply, 1) + OWN.size());
    out.writeBytes(elements(reply));
    OWN.keySet().forEach(name -> Resp.writeBulk(out, name));
  }

  private static void appendDocs(ByteBuf reply, ByteBuf out, int protocol) {
    int pairs = (int) number(reply, 1) / (protocol == 2 ? 2 : 1);
    Resp.writeMapHeader(out, pairs + OWN.size(), protocol);
    out.writeBytes(elements(reply));
    OWN.forEach(
        (name, own) -> {
          Resp.writeBulk(out, name);
          Resp.writeMapHeader(out, 3, protocol);
          Resp.writeBulk(out, "summary");
          Resp.writeBulk(out, own.summary());
          Resp.writeBulk(out, "since");
          Resp.writeBulk(out, "0.1.0");
          Resp.writeBulk(out, "group");
          Resp.writeBulk(out, "server");
        });
  }

  private static void replaceInfo(Request request, ByteBuf reply, ByteBuf out, int protocol) {
    ByteBuf rest = elements(reply);
    ReplyScanner scanner = new ReplyScanner();
    Resp.writeArrayHeader(out, request.argCount() - 2);
    for (int i = 2; i < request.argCount(); i++) {
      int length = scanner.scan(rest);
      String name = request.argString(i).toLowerCase(Locale.ROOT);
      Own own = OWN.get(name);
      if (own == null) {
        out.writeBytes(rest, rest.readerIndex(), length);
      } else {
        writeInfo(out, name, own, protocol);
      }
      rest.skipBytes(length);
    }
  }

  private static void writeInfo(ByteBuf out, String name, Own own, int protocol) {
    Resp.writeArrayHeader(out, 10);
    Resp.writeBulk(out, name);
    Resp.writeInteger(out, own.arity());
    Resp.writeSetHeader(out, 1, protocol);
    Resp.writeSimple(out, name.equals("raft") ? "write" : "admin");
    Resp.writeInteger(out, 0);
    Resp.writeInteger(out, 0);
    Resp.writeInteger(out, 0);
    for (int i = 0; i < 3; i++) {
      Resp.writeSetHeader(out, 0, protocol); // categories, tips, key specifications
    }
    Resp.writeArrayHeader(out, 0);
  }
}
