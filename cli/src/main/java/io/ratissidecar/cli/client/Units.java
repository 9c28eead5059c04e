package io.ratissidecar.cli.client;

import java.util.Locale;

/** Amounts as people read them. */
public final class Units {
  private static final String[] BYTES = {"B", "KB", "MB", "GB", "TB"};
  private static final int STEP = 1000;

  private Units() {}

  /** Three digits and a unit, such as {@code 1.25 MB}. */
  public static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= STEP && unit < BYTES.length - 1) {
      value /= STEP;
      unit++;
    }
    String format = unit == 0 || value >= 100 ? "%.0f %s" : value >= 10 ? "%.1f %s" : "%.2f %s";
    return String.format(Locale.ROOT, format, value, BYTES[unit]);
  }

  /** Seconds, minutes, hours or days, whichever is the largest that is at least 2. */
  public static String age(long seconds) {
    if (seconds < 120) {
      return seconds + " s";
    }
    if (seconds < 7200) {
      return seconds / 60 + " min";
    }
    return seconds < 172_800 ? seconds / 3600 + " h" : seconds / 86_400 + " d";
  }
}
