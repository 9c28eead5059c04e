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
    // The reset: many terminals take the code that ends "bold" for a double underline.
    return Ansi.Style.on(Ansi.Style.parse(style)) + text + Ansi.Style.reset.on();
  }

  /** As {@link #paint(Ansi, String, String)}; colours only on a terminal. */
  public static String paint(String style, String text) {
    return paint(Ansi.AUTO, style, text);
  }
}
