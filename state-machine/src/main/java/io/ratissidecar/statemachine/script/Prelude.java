package io.ratissidecar.statemachine.script;

import io.ratissidecar.statemachine.command.FixedExpiry;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.command.ScriptPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What stands in front of every script. It is put on the script's first line, so that errors show
 * the lines that the user knows.
 */
public final class Prelude {
  private static final String MARK = "--[[script]]";
  private static final String MARK_AS_IT_IS = "--[[script as it is]]";

  /**
   * Makes a call that is no tail call any more of one that was. What it gives back stays the same:
   * {@code or} binds weaker than everything that may follow.
   */
  private static final String NO_TAIL_CALL = "false or--[[line]] ";

  /** Names by which a script can reach what the prelude hides. */
  private static final String NAMES =
      "_G, load, loadstring, getfenv, setfenv, collectgarbage, gcinfo, tostring, os,"
          + " getmetatable, setmetatable, newproxy, server";

  private static final Pattern SANDBOXED =
      Pattern.compile("\\b(" + NAMES.replace(", ", "|") + ")\\b");

  /** A use of {@code redis} that is no plain call: such scripts get all of it. */
  private static final Pattern MORE_THAN_CALLS =
      Pattern.compile("\\bredis\\b(?!\\s*\\.\\s*p?call\\s*\\()");

  /** The same for a library. */
  private static final Pattern MORE_THAN_CALLS_AND_REGISTERING =
      Pattern.compile("\\bredis\\b(?!\\s*\\.\\s*(p?call\\s*\\(|register_function\\s*[({]))");

  /**
   * Nearly Redis's words. Those would mean that one node's Redis had refused by itself, and so has
   * to load its data anew.
   */
  private static final String OOM = "OOM command is not allowed when used memory > 'maxmemory'.";

  /** Where the prelude of a library, which is a function of the library's body, begins and ends. */
  private static final String LIBRARY_START = "(function(main)";

  private static final String LIBRARY_END = "\nend)";

  /** Behind a text that Lua does not compile, should it be a mistake that it seems to be one. */
  private static final String NEVER_COMPILES = "\n@";

  private final String script;
  private final String library;
  private final String random = code("script-random.lua");
  private final String json = code("script-json.lua");
  private final String sparing;
  private final String refused = code("script-refused.lua").replace("@OOM@", OOM);
  private final String lean = code("script-lean.lua");
  private final String whole = code("whole.lua") + code("script-whole.lua");
  private final String sandbox = sandboxed("script-sandbox.lua");
  private final String libraryLean = code("library-lean.lua");
  private final String libraryWhole = code("whole.lua") + code("library-whole.lua");
  private final String librarySandbox = sandboxed("library-sandbox.lua");

  private Prelude(String common, String sparing) {
    this.sparing = sparing;
    script = fill(common, "script-start.lua", "user_script");
    library =
        fill(common, "library-start.lua", "user_function")
            + code("library-end.lua").replace("@OOM@", OOM);
  }

  private static String sandboxed(String resource) {
    return code(resource).replace("@SANDBOX@", code("sandbox.lua")).replace("@NAMES@", NAMES);
  }

  private static String fill(String common, String start, String chunk) {
    return common.replace("@START@", code(start)).replace("@CHUNK@", chunk);
  }

  /**
   * The prelude of a cluster.
   *
   * @param reservedDatabase the database that scripts must not reach
   * @param shiftMillis how much later than a deadline Redis's own is
   */
  public static Prelude of(int reservedDatabase, long shiftMillis) {
    String code = code("prelude.lua");
    ScriptPolicy policy = ScriptPolicy.besides(code);
    String sparing =
        code("script-sparing.lua")
            .replace("@NEEDY@", policy.needy())
            .replace("@WRITING@", policy.writing());
    String filled =
        code.replace("@PLAIN@", policy.allowed())
            .replace("@REFUSED@", policy.refused())
            .replace("@FIELDS_REFUSED@", FixedExpiry.FIELDS_REFUSED)
            .replace("@RESERVED@", Integer.toString(reservedDatabase))
            .replace("@EARLIER@", Long.toString(LogicalTime.DELIVERED_EARLIER_MILLIS))
            .replace("@SHIFT@", Long.toString(shiftMillis));
    return new Prelude(filled, sparing.replace("@OOM@", OOM));
  }

  /** A script's text with the prelude. */
  public byte[] wrap(byte[] body) {
    String own = latin1(body).substring(firstLine(latin1(body)));
    boolean open = SANDBOXED.matcher(own).find();
    boolean all = open || MORE_THAN_CALLS.matcher(own).find();
    return wrap(
        body,
        script
            + whenOutOfMemory(latin1(body).substring(0, firstLine(latin1(body))))
            + leftOver(own, open)
            + (all ? whole : lean)
            + (open ? sandbox : ""));
  }

  /** What Redis does depends on the flags in the first line, or that there is none. */
  private String whenOutOfMemory(String shebang) {
    if (shebang.contains("allow-oom") || shebang.contains("no-writes")) {
      return "";
    }
    return shebang.isEmpty() ? sparing : refused;
  }

  /** Puts away what this Redis has left over from what it ran before. */
  private String leftOver(String own, boolean open) {
    return (open || own.contains("math") ? random : "")
        + (open || own.contains("cjson") ? json : "");
  }

  /** The text of a library of functions with the prelude. */
  public byte[] wrapLibrary(byte[] code) {
    String own = latin1(code).substring(firstLine(latin1(code)));
    if (!LuaText.closesWhatItOpens(own)) {
      return latin1(latin1(code) + NEVER_COMPILES); // with Redis's words for what is wrong
    }
    boolean open = SANDBOXED.matcher(own).find();
    boolean all = open || MORE_THAN_CALLS_AND_REGISTERING.matcher(own).find();
    String prelude =
        library
            .replace("@FRESH@", (all ? libraryWhole : libraryLean) + (open ? librarySandbox : ""))
            .replace("@LEFT_OVER@", leftOver(own, open))
            .replace("@SHADOWS@", open ? ", sandbox(_G, loadstring, tostring, shown)" : "")
            .replace("@NAMES@", open ? ", " + NAMES : "");
    return latin1(latin1(wrap(code, prelude)) + LIBRARY_END);
  }

  /** The text of a library as its user wrote it, with or without the prelude of any version. */
  public static byte[] ofUser(byte[] code) {
    return isWrapped(code) ? unwrap(code) : code;
  }

  /** The text of a library with this prelude; it may have that of another cluster. */
  public byte[] ofCluster(byte[] code) {
    return wrapLibrary(ofUser(code));
  }

  private static byte[] wrap(byte[] body, String prelude) {
    String text = latin1(body);
    int begin = firstLine(text);
    String own = text.substring(begin);
    StringBuilder wrapped = new StringBuilder(text.substring(0, begin)).append(prelude);
    if (own.contains(NO_TAIL_CALL)) {
      return latin1(wrapped.append(MARK_AS_IT_IS).append(own));
    }
    wrapped.append(MARK);
    int copied = 0;
    for (int call : LuaText.tailCalls(own)) {
      wrapped.append(own, copied, call).append(NO_TAIL_CALL);
      copied = call;
    }
    return latin1(wrapped.append(own, copied, own.length()));
  }

  /** Whether this is a text that {@link #wrapLibrary} made. */
  public static boolean isWrapped(byte[] text) {
    String start = latin1(text);
    int begin = firstLine(start);
    return (start.startsWith("local redis", begin) || start.startsWith(LIBRARY_START, begin))
        && (start.contains(MARK) || start.contains(MARK_AS_IT_IS));
  }

  /**
   * The text that {@link #wrap} was given, whatever version did it.
   *
   * @throws IllegalArgumentException when there is no prelude
   */
  public static byte[] unwrap(byte[] wrapped) {
    String text = latin1(wrapped);
    String shebang = text.substring(0, firstLine(text));
    if (text.startsWith(LIBRARY_START, shebang.length()) && text.endsWith(LIBRARY_END)) {
      text = text.substring(0, text.length() - LIBRARY_END.length());
    }
    int mark = text.indexOf(MARK);
    int asItIs = text.indexOf(MARK_AS_IT_IS);
    if (asItIs >= 0 && (mark < 0 || asItIs < mark)) {
      return latin1(shebang + text.substring(asItIs + MARK_AS_IT_IS.length()));
    }
    if (mark < 0) {
      throw new IllegalArgumentException("a script without the prelude");
    }
    return latin1(shebang + text.substring(mark + MARK.length()).replace(NO_TAIL_CALL, ""));
  }

  /** Redis takes a first line that begins with {@code #!} for itself. */
  private static int firstLine(String text) {
    return text.startsWith("#!") ? text.indexOf('\n') + 1 : 0;
  }

  private static String code(String resource) {
    try (InputStream in = Prelude.class.getResourceAsStream(resource)) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      return lines.stream()
          .map(String::strip)
          .filter(line -> !line.isEmpty() && !line.startsWith("--"))
          .collect(Collectors.joining(" ", "", " "));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String latin1(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static byte[] latin1(CharSequence text) {
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }
}
