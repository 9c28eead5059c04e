package io.ratissidecar.cli;

import io.ratissidecar.sidecar.config.InvalidSettingException;
import io.ratissidecar.sidecar.config.Setting;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/**
 * Gathers settings from where they may stand. A flag wins over the environment, which wins over the
 * file.
 */
final class SettingSources {
  /** Read by the start script. */
  private static final Set<String> OTHER_VARIABLES = Set.of("RATIS_SIDECAR_JAVA_OPTS");

  private SettingSources() {}

  /**
   * @param file properties file, null for none
   * @param flags by {@link Setting#key}
   * @throws InvalidSettingException when a variable looks like one of ours and is none
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
    requireKnown(environment);
    for (Setting setting : Setting.values()) {
      String value = environment.get(setting.environmentVariable());
      if (value != null) {
        merged.put(setting.key(), value);
      }
    }
    merged.putAll(flags);
    return merged;
  }

  /** A misspelt one would leave the node with a default that nobody wanted. */
  private static void requireKnown(Map<String, String> environment) {
    Set<String> known = new HashSet<>(OTHER_VARIABLES);
    for (Setting setting : Setting.values()) {
      known.add(setting.environmentVariable());
    }
    for (String name : new TreeSet<>(environment.keySet())) {
      if (name.startsWith(Setting.ENVIRONMENT_PREFIX) && !known.contains(name)) {
        throw new InvalidSettingException(
            "unknown environment variable '"
                + name
                + "'; 'ratis-sidecar start --help' lists the settings");
      }
    }
  }
}
