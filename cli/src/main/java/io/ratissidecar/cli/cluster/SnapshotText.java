package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.Units;
import io.ratissidecar.sidecar.membership.SnapshotState;

/** A node's newest snapshot, or the one that is under way, in a few words. */
final class SnapshotText {
  private SnapshotText() {}

  static String of(SnapshotState snapshot) {
    if (!snapshot.activity().isEmpty()) {
      return snapshot.activity();
    }
    return snapshot.index() == 0
        ? "-"
        : snapshot.index()
            + ", "
            + Units.bytes(snapshot.bytes())
            + ", "
            + Units.age(snapshot.ageSeconds());
  }
}
