package io.ratissidecar.cli.client;

import picocli.CommandLine.Help.Ansi;

/** Colours whatever text, also one that has Picocli's own markup in it. */
public final class Colour {
  private Colour() {}

  /** The text in a style such as {@code red}, if colours are wanted. */
  public static String paint(Ansi ansi, String style, String text) {
    if (!ansi.enabled() || style.isEmpty()) {
      return text;
    }
    Ansi.IStyle[] styles = Ansi.Style.parse(style);
    return Ansi.Style.on(styles) + text + Ansi.Style.off(styles);
  }

  /** As {@link #paint(Ansi, String, String)}; colours only on a terminal. */
  public static String paint(String style, String text) {
    return paint(Ansi.AUTO, style, text);
  }
}
