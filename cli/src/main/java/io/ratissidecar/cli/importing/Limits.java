package io.ratissidecar.cli.importing;

/** What a node takes in one piece. */
final class Limits {
  static final String TOO_LONG =
      "it is longer than the cluster's max-entry-bytes. Start every node with a larger"
          + " --max-entry-bytes, or delete or split the key at the source; then begin again with an"
          + " empty cluster";

  private Limits() {}

  /** Whether an error says that a command or a transaction is too long. */
  static boolean isTooLong(String error) {
    return error.contains("max-entry-bytes") || error.contains("too big request");
  }
}
