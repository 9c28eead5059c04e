package io.ratissidecar.logstore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that a clean close leaves: what each segment held and the token of the index that was
 * stored with it. Gone as soon as the log is opened.
 */
record CleanMark(String token, List<Held> segments) {
  private static final Logger LOG = LoggerFactory.getLogger(CleanMark.class);
  private static final String FILE = "clean";
  private static final String FORMAT = "ratis-sidecar-clean-1";
  private static final int FIELDS = 6;

  /** What one segment held. */
  record Held(long name, long end, long first, long last, long term, long count) {}

  static void write(Disk disk, Path dir, String token, Collection<Segment> segments)
      throws IOException {
    List<String> values = new ArrayList<>(List.of(FORMAT, token));
    for (Segment s : segments) {
      for (long v : new long[] {s.name, s.end, s.firstIndex, s.lastIndex, s.lastTerm, s.count}) {
        values.add(Long.toString(v));
      }
    }
    SmallFile.write(disk, dir.resolve(FILE), new RespList(values));
  }

  static void remove(Disk disk, Path dir) throws IOException {
    SmallFile.remove(disk, dir.resolve(FILE));
  }

  /** The mark, or null when there is none that can be understood. */
  static CleanMark read(Path dir) throws IOException {
    Path path = dir.resolve(FILE);
    if (!Files.exists(path)) {
      return null;
    }
    RespList list = SmallFile.read(path);
    if (list == null || list.values().size() < 2 || !FORMAT.equals(list.values().get(0))) {
      LOG.warn("{} is not a clean-close mark of this version; the segments will be read", path);
      return null;
    }
    List<String> values = list.values();
    List<Held> held = new ArrayList<>();
    for (int i = 2; i + FIELDS <= values.size(); i += FIELDS) {
      long[] n = values.subList(i, i + FIELDS).stream().mapToLong(Long::parseLong).toArray();
      held.add(new Held(n[0], n[1], n[2], n[3], n[4], n[5]));
    }
    return new CleanMark(values.get(1), held);
  }

  /** The last index held; all of it was durable when the mark was written. */
  long lastIndex() {
    return segments.isEmpty() ? 0 : segments.get(segments.size() - 1).last();
  }
}
