package io.ratissidecar.sidecar.config;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Takes typed values out of a map of texts, with one wording for what is wrong. */
final class SettingReader {
  private final Map<String, String> values;

  SettingReader(Map<String, String> values) {
    for (String name : values.keySet()) {
      if (Arrays.stream(Setting.values()).noneMatch(s -> s.key().equals(name))) {
        throw new InvalidSettingException(
            "unknown setting '" + name + "'; 'ratis-sidecar start --help' lists them");
      }
    }
    this.values = values;
  }

  String text(Setting setting) {
    return values.getOrDefault(setting.key(), setting.defaultValue()).strip();
  }

  Optional<String> optional(Setting setting) {
    String text = text(setting);
    return text.isEmpty() ? Optional.empty() : Optional.of(text);
  }

  /** Words with commas or spaces between them, in lower case. */
  Set<String> words(Setting setting) {
    return Arrays.stream(text(setting).toLowerCase(Locale.ROOT).split("[,\\s]+"))
        .filter(word -> !word.isEmpty())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Any of the letters, or none. */
  String letters(Setting setting, String known) {
    String text = text(setting);
    if (text.chars().allMatch(letter -> known.indexOf(letter) >= 0)) {
      return text;
    }
    throw new InvalidSettingException(
        "'" + setting.key() + "' is '" + text + "'; it must be letters of " + known);
  }

  long number(Setting setting, long min, long max) {
    String text = text(setting);
    try {
      long value = Long.parseLong(text);
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below, in the same words as a number out of range.
    }
    throw new InvalidSettingException(
        "'"
            + setting.key()
            + "' is '"
            + text
            + "'; it must be a number from "
            + min
            + " to "
            + max);
  }

  int integer(Setting setting, int min, int max) {
    return (int) number(setting, min, max);
  }

  Duration millis(Setting setting, int min, int max) {
    return Duration.ofMillis(number(setting, min, max));
  }

  /** One of an enum's constants, in lower case. */
  <E extends Enum<E>> E constant(Setting setting, Class<E> type) {
    String text = text(setting);
    for (E constant : type.getEnumConstants()) {
      if (constant.name().toLowerCase(Locale.ROOT).equals(text)) {
        return constant;
      }
    }
    String known =
        Arrays.stream(type.getEnumConstants())
            .map(constant -> constant.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(" or "));
    throw new InvalidSettingException(
        "'" + setting.key() + "' is '" + text + "'; it must be " + known);
  }

  boolean yesNo(Setting setting) {
    String text = text(setting);
    return switch (text) {
      case "yes", "true" -> true;
      case "no", "false" -> false;
      default ->
          throw new InvalidSettingException(
              "'" + setting.key() + "' is '" + text + "'; it must be yes or no");
    };
  }
}
