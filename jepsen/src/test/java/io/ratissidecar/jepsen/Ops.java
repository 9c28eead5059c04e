package io.ratissidecar.jepsen;

/** Operations for tests, by hand. */
final class Ops {
  private Ops() {}

  static Operation ok(
      Operation.Kind kind, String argument, String result, long invoked, long completed) {
    return new Operation(0, kind, "k", argument, result, invoked, completed, Outcome.OK, null);
  }

  static Operation info(Operation.Kind kind, String argument, long invoked) {
    return new Operation(
        0, kind, "k", argument, null, invoked, Long.MAX_VALUE, Outcome.INFO, "lost");
  }

  static Operation fail(Operation.Kind kind, String argument, long invoked, long completed) {
    return new Operation(
        0, kind, "k", argument, null, invoked, completed, Outcome.FAIL, "CLUSTERDOWN");
  }

  static Operation write(String value, long invoked, long completed) {
    return ok(Operation.Kind.WRITE, value, "OK", invoked, completed);
  }

  static Operation read(String value, long invoked, long completed) {
    return ok(Operation.Kind.READ, null, value, invoked, completed);
  }

  static Operation push(String value, long length, long invoked, long completed) {
    return ok(Operation.Kind.PUSH, value, Long.toString(length), invoked, completed);
  }

  static Operation increment(long result, long invoked, long completed) {
    return ok(Operation.Kind.INCREMENT, null, Long.toString(result), invoked, completed);
  }
}
