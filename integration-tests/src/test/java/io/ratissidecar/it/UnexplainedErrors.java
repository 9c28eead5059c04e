package io.ratissidecar.it;

import java.util.List;
import java.util.regex.Pattern;

/** Log lines that a test must not leave behind without a reason. */
final class UnexplainedErrors {
  private static final Pattern ERROR = Pattern.compile("\\bERROR\\b|Exception in thread|LEAK:");

  /** Errors that faults of the tests themselves bring about, each with its reason. */
  private static final List<Pattern> EXPLAINED =
      List.of(
          // A test limits the size of files, or damages them.
          Pattern.compile("This node stops: can't write entry.*File too large"),
          // Two threads of Ratis's write the members as told and as applied at the same moment,
          // through one temporary file; the log has them too.
          Pattern.compile("Failed writing configuration.*\\n.*NoSuchFileException.*conf.tmp"),
          // A test changes the data of one node's Redis.
          Pattern.compile("This node's data behind entry \\d+ differs from that of a majority"),
          // A leader that has waited too long sends entries again on another connection, while the
          // first ones are still being written: Ratis refuses the second, before it does anything.
          Pattern.compile(
              "Failed appendEntries.*\\n.*SegmentedRaftLog: Already running a method by Thread"),
          // A leader sent something to a node that was just told to stop.
          Pattern.compile("Failed appendEntries.*\\n.*ServerNotReadyException"));

  private UnexplainedErrors() {}

  /**
   * @param next the line after it, where an exception's name stands
   */
  static boolean isOne(String line, String next) {
    String both = line + "\n" + next;
    return ERROR.matcher(line).find() && EXPLAINED.stream().noneMatch(p -> p.matcher(both).find());
  }
}
