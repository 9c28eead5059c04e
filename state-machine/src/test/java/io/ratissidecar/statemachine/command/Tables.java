package io.ratissidecar.statemachine.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.ProtocolException;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RequestDecoder;
import io.ratissidecar.statemachine.resp.RespLimits;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Command tables and requests for tests without a process. */
final class Tables {
  private Tables() {}

  /** What Redis 7.0.15 replied to COMMAND, with a few commands of later versions and modules. */
  static CommandTable redis7(int databases) {
    return CommandTable.of(reply(UnaryOperator.identity()), databases, Set.of());
  }

  /** The same in the form of Redis 6.2, which tells no subcommands. */
  static CommandTable redis62(int databases) {
    return CommandTable.of(reply(command -> command.subList(0, 7)), databases, Set.of());
  }

  /** The same as {@link #redis7} with 16 databases, when an operator vouches for commands. */
  static CommandTable vouchedFor(String... moduleCommands) {
    return CommandTable.of(reply(UnaryOperator.identity()), 16, Set.of(moduleCommands));
  }

  /** A request written as an inline one. */
  static Request request(String line) {
    Request request = new Request();
    ByteBuf in = Unpooled.wrappedBuffer((line + "\r\n").getBytes(UTF_8));
    try {
      if (!new RequestDecoder(RespLimits.defaults()).decode(in, request)) {
        throw new IllegalArgumentException(line);
      }
    } catch (ProtocolException e) {
      throw new IllegalArgumentException(line, e);
    }
    return request;
  }

  static byte[] resource(String name) {
    try (InputStream in = Tables.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RespValue reply(UnaryOperator<List<RespValue>> form) {
    List<RespValue> commands = new ArrayList<>();
    ByteBuf recorded = Unpooled.wrappedBuffer(resource("command-7.0.15.resp"));
    RespValue.parse(recorded)
        .asList()
        .forEach(c -> commands.add(new RespValue.Array(form.apply(c.asList()))));
    for (String name : List.of("hexpire", "hpexpire", "hsetex", "hgetex")) {
      commands.add(command(name, -5, "write", "fast"));
    }
    commands.add(command("newread", 2, "readonly"));
    commands.add(command("newwrite", 2, "write"));
    commands.add(command("newadmin", 1, "admin", "readonly"));
    commands.add(command("bf.add", 3, "write", "module"));
    commands.add(command("bf.exists", 3, "readonly", "module"));
    commands.add(command("bloom", 3, "write", "module"));
    commands.add(command("bf.wait", 3, "write", "blocking", "module"));
    return new RespValue.Array(commands);
  }

  private static RespValue command(String name, int arity, String... flags) {
    List<RespValue> flagValues = new ArrayList<>();
    for (String flag : flags) {
      flagValues.add(new RespValue.Simple(flag));
    }
    return new RespValue.Array(
        List.of(
            new RespValue.Bulk(name.getBytes(UTF_8)),
            new RespValue.Int(arity),
            new RespValue.Set(flagValues),
            new RespValue.Int(1),
            new RespValue.Int(1),
            new RespValue.Int(1)));
  }
}
