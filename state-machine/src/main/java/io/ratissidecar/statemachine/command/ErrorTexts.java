package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Request;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Errors in Redis 7's own words, its cuts and odd spaces included: client libraries parse them. */
final class ErrorTexts {
  private static final int LONGEST = 128;

  private ErrorTexts() {}

  static String unknownCommand(Request r, int name) {
    ByteArrayOutputStream args = new ByteArrayOutputStream();
    for (int i = name + 1; i < r.argCount() && args.size() < LONGEST; i++) {
      int room = LONGEST - args.size();
      args.write('\'');
      args.writeBytes(text(r, i, room));
      args.write('\'');
      args.write(' ');
    }
    return oneLine(
        "ERR unknown command '"
            + new String(text(r, name, LONGEST), StandardCharsets.UTF_8)
            + "', with args beginning with: "
            + args.toString(StandardCharsets.UTF_8));
  }

  static String unknownSubcommand(Request r, int name) {
    return oneLine(
        "ERR unknown subcommand '"
            + new String(text(r, name + 1, LONGEST), StandardCharsets.UTF_8)
            + "'. Try "
            + r.argString(name).toUpperCase(Locale.ROOT)
            + " HELP.");
  }

  static String wrongNumberOfArguments(CommandSpec command) {
    return "ERR wrong number of arguments for '" + command.name() + "' command";
  }

  static String refused(CommandSpec command) {
    String shown = command.name().toUpperCase(Locale.ROOT).replace('|', ' ');
    return "ERR " + shown + " is refused: " + command.reason();
  }

  private static String oneLine(String text) {
    return text.replace('\r', ' ').replace('\n', ' ');
  }

  /** The argument as C prints it: up to a NUL, at most so many bytes. */
  private static byte[] text(Request r, int i, int most) {
    ByteBuf buffer = r.buffer();
    int start = r.argStart(i);
    int length = Math.min(r.argLength(i), most);
    int nul = buffer.indexOf(start, start + length, (byte) 0);
    byte[] text = new byte[nul < 0 ? length : nul - start];
    buffer.getBytes(start, text);
    return text;
  }
}
