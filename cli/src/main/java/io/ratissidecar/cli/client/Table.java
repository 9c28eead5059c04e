package io.ratissidecar.cli.client;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Help.Ansi;

/** Columns as wide as they need to be, under a bold heading. */
public final class Table {
  private final List<List<String>> rows = new ArrayList<>();
  private final List<String> styles = new ArrayList<>();

  public Table(String... heading) {
    row("bold", heading);
  }

  /**
   * Adds a row.
   *
   * @param style as Picocli names it, such as {@code green}; empty for none
   */
  public void row(String style, String... cells) {
    rows.add(List.of(cells));
    styles.add(style);
  }

  /** The lines; colours only where they are wanted. */
  public List<String> lines(Ansi ansi) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < rows.get(i).size(); column++) {
        String cell = rows.get(i).get(column);
        line.append(cell).append(" ".repeat(width(column) - cell.length() + 2));
      }
      lines.add(Colour.paint(ansi, styles.get(i), line.toString().stripTrailing()));
    }
    return lines;
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }
}
