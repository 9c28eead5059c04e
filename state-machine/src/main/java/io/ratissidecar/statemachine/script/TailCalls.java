package io.ratissidecar.statemachine.script;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the tail calls of {@code redis.…} in a Lua text. Lua forgets the caller of a tail call, and
 * with it the line that an error has to show.
 */
final class TailCalls {
  /** What is text for Lua and no code, or a tail call; comments before strings and code. */
  private static final Pattern TOKENS =
      Pattern.compile(
          "--\\[(=*)\\[.*?\\]\\1\\]"
              + "|--[^\\n]*"
              + "|\\[(=*)\\[.*?\\]\\2\\]"
              + "|\"(?:\\\\.|[^\"\\\\])*+\""
              + "|'(?:\\\\.|[^'\\\\])*+'"
              + "|(?<![\\w.:])return\\s+(?=redis\\s*\\.)",
          Pattern.DOTALL);

  private TailCalls() {}

  /** Offsets right before each {@code redis}. */
  static List<Integer> find(String text) {
    List<Integer> found = new ArrayList<>();
    Matcher token = TOKENS.matcher(text);
    while (token.find()) {
      if (token.group().startsWith("return")) {
        found.add(token.end());
      }
    }
    return found;
  }
}
