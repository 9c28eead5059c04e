package io.ratissidecar.statemachine.entry;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A command that was committed and shall have no effect: a script that does not end. It stays in
 * its entry; every node leaves it out from the moment at which it knows of an entry of type {@link
 * EntryType#VOID} that names it. See docs/adr/0018.
 *
 * @param index of the entry that it is in
 * @param command its place in the payload of that entry, from 0
 */
public record VoidedCommand(long index, int command) {
  private static final Pattern COMMAND = Pattern.compile("([1-9][0-9]{0,17}):([0-9]{1,9})");

  /** How an entry says that these are void. */
  public static String text(List<VoidedCommand> commands) {
    StringBuilder text = new StringBuilder("void");
    for (VoidedCommand command : commands) {
      text.append(' ').append(command.index()).append(':').append(command.command());
    }
    return text.toString();
  }

  /** Those that {@link #text} has named; empty when it is something else. */
  public static List<VoidedCommand> parse(String text) {
    String[] parts = text.split(" ", -1);
    if (!parts[0].equals("void")) {
      return List.of();
    }
    List<VoidedCommand> commands = new ArrayList<>(parts.length);
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      Matcher matcher = COMMAND.matcher(part);
      if (!matcher.matches()) {
        return List.of();
      }
      commands.add(
          new VoidedCommand(Long.parseLong(matcher.group(1)), Integer.parseInt(matcher.group(2))));
    }
    return commands;
  }
}
