package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.snapshot.Snapshots;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** {@code RAFT.SNAPSHOT}: takes a snapshot of this node, or lists those that it has. */
final class SnapshotCommand {
  private final Snapshots snapshots;

  SnapshotCommand(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  /** Completes with the newest once it is there. */
  CompletableFuture<Snapshot> take() {
    return snapshots.take();
  }

  /** An array of the snapshots, the newest first, each as {@link #write} does. */
  void list(ByteBuf out) {
    List<Snapshot> all = snapshots.store().list();
    Resp.writeArrayHeader(out, all.size());
    all.forEach(snapshot -> write(snapshot, out));
  }

  /** Names and values of the manifest, as an array. */
  static void write(Snapshot snapshot, ByteBuf out) {
    SnapshotManifest m = snapshot.manifest();
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("index", Long.toString(m.index()));
    fields.put("term", Long.toString(m.term()));
    fields.put("time", m.time().toString());
    fields.put("bytes", Long.toString(m.rdbBytes()));
    fields.put("sha256", m.sha256());
    fields.put("redis-version", m.redisVersion());
    fields.put("path", snapshot.rdb().toString());
    Resp.writeArrayHeader(out, fields.size() * 2);
    fields.forEach(
        (name, value) -> {
          Resp.writeBulk(out, name);
          Resp.writeBulk(out, value);
        });
  }
}
