package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.ByteProgress;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.sidecar.snapshot.PeerSnapshots;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Copies the newest snapshot of a node, piece by piece, and checks that it came whole. */
final class SnapshotCopy {
  private final NodeClient client;
  private final String node;
  private final Progress progress;

  SnapshotCopy(NodeClient client, String node, Progress progress) {
    this.client = client;
    this.node = node;
    this.progress = progress;
  }

  /**
   * @throws IOException when the node can't be reached any more, or what came is not what it
   *     promised
   */
  void to(Path file) throws IOException {
    String clusterId = client.status(node).clusterId();
    try (PeerSnapshots source = new PeerSnapshots(client.endpoint(node), clusterId, () -> true);
        OutputStream out = Files.newOutputStream(file)) {
      SnapshotManifest manifest = SnapshotManifest.parse(source.latest(), "the node's manifest");
      copy(source, manifest, out);
    }
  }

  private void copy(PeerSnapshots source, SnapshotManifest manifest, OutputStream out)
      throws IOException {
    MessageDigest digest = newDigest();
    long total = manifest.rdbBytes();
    ByteProgress bar = new ByteProgress(progress, "", total);
    for (long offset = 0; offset < total; ) {
      int length = (int) Math.min(Snapshot.MAX_CHUNK_BYTES, total - offset);
      byte[] chunk = source.read(manifest.index(), manifest.term(), offset, length);
      if (chunk.length == 0) {
        throw new IOException(node + " has only " + offset + " of " + total + " bytes");
      }
      out.write(chunk);
      digest.update(chunk);
      offset += chunk.length;
      bar.accept(chunk.length);
    }
    if (!HexFormat.of().formatHex(digest.digest()).equals(manifest.sha256())) {
      IOException damaged =
          new IOException(
              "the snapshot of entry "
                  + manifest.index()
                  + " is damaged at "
                  + node
                  + ", or on the way: its SHA-256 is not that of its manifest. The node"
                  + " has been asked to check it; export again in a while, or from another node");
      try {
        source.doubt(manifest.index(), manifest.term());
      } catch (IOException e) {
        damaged.addSuppressed(e);
      }
      throw damaged;
    }
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
