package io.ratissidecar.statemachine.entry;

/** What an entry's payload is for. The codes are stored on disk and never change their meaning. */
public enum EntryType {
  /** Commands of clients. */
  COMMANDS(1),
  /** Commands on the reserved database: the cluster's own bookkeeping. */
  CLUSTER(2),
  /**
   * Changes nothing: every node computes the digest of its data as it is behind this entry. The
   * payload has the form of {@link #CLUSTER}.
   */
  DIGEST(3),
  /**
   * Changes nothing by itself: a command of an earlier entry has no effect, see {@link
   * VoidedCommand}. The payload has the form of {@link #CLUSTER}.
   */
  VOID(4);

  private final int code;

  EntryType(int code) {
    this.code = code;
  }

  /** The number that stands for this type in files and messages. */
  public int code() {
    return code;
  }

  /**
   * The type that a stored number stands for.
   *
   * @throws UnsupportedFormatException when a newer version wrote a type that this one does not
   *     know
   */
  public static EntryType ofCode(int code) {
    for (EntryType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new UnsupportedFormatException("entry type " + code + " is not known to this version");
  }
}
