package io.ratissidecar.statemachine.script;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks at a Lua text as far as comments, strings and a few words go. */
final class LuaText {
  /** What is text for Lua and no code, or a word of those; comments before strings and code. */
  private static final Pattern TOKENS =
      Pattern.compile(
          "--\\[(=*)\\[.*?\\]\\1\\]"
              + "|--[^\\r\\n]*"
              + "|\\[(=*)\\[.*?\\]\\2\\]"
              + "|\"(?:\\\\.|[^\"\\\\])*+\""
              + "|'(?:\\\\.|[^'\\\\])*+'"
              + "|(?<![\\w.:])return\\s+(?=redis\\s*\\.)"
              + "|\\b(?:function|do|if|repeat|end|until)\\b",
          Pattern.DOTALL);

  private LuaText() {}

  /**
   * Where {@code redis.…} is called in a tail call: offsets right before each {@code redis}. Lua
   * forgets who made a tail call, and with it the line that an error has to show.
   */
  static List<Integer> tailCalls(String text) {
    List<Integer> found = new ArrayList<>();
    Matcher token = TOKENS.matcher(text);
    while (token.find()) {
      if (token.group().startsWith("return")) {
        found.add(token.end());
      }
    }
    return found;
  }

  /**
   * Whether every block ends, and none that began outside. It may have other mistakes: what Lua
   * compiles ends nothing else.
   */
  static boolean closesWhatItOpens(String text) {
    int depth = 0;
    Matcher token = TOKENS.matcher(text);
    while (token.find() && depth >= 0) {
      switch (token.group()) {
        case "function", "do", "if", "repeat" -> depth++;
        case "end", "until" -> depth--;
        default -> {
          // Comments, strings, calls.
        }
      }
    }
    return depth == 0;
  }
}
