package io.ratissidecar.cli;

import io.ratissidecar.sidecar.config.Setting;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/**
 * Gathers settings from where they may stand. A flag wins over the environment, which wins over the
 * file.
 */
final class SettingSources {
  private SettingSources() {}

  /**
   * @param file properties file, null for none
   * @param flags by {@link Setting#key}
   */
  static Map<String, String> merge(
      Path file, Map<String, String> environment, Map<String, String> flags) throws IOException {
    Map<String, String> merged = new HashMap<>();
    if (file != null) {
      Properties properties = new Properties();
      try (Reader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
        properties.load(in);
      } catch (NoSuchFileException e) {
        throw new IOException("there is no file " + file, e);
      } catch (IllegalArgumentException e) {
        throw new IOException(file + " is not a properties file: " + e.getMessage(), e);
      }
      properties.stringPropertyNames().forEach(n -> merged.put(n, properties.getProperty(n)));
    }
    for (Setting setting : Setting.values()) {
      String value = environment.get(setting.environmentVariable());
      if (value != null) {
        merged.put(setting.key(), value);
      }
    }
    merged.putAll(flags);
    return merged;
  }
}
