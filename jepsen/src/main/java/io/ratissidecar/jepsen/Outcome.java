package io.ratissidecar.jepsen;

/** What a client knows of an operation when it is over. */
public enum Outcome {
  /** It happened exactly once. */
  OK,
  /** It did not happen and never will. */
  FAIL,
  /** It may have happened, may happen later, or never. */
  INFO
}
