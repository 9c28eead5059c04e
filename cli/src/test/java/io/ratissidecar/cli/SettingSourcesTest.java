package io.ratissidecar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.config.InvalidSettingException;
import io.ratissidecar.sidecar.config.SidecarConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which source of a setting wins. */
class SettingSourcesTest {
  @TempDir Path temporary;

  @Test
  void when_set_in_several_places_then_flag_beats_environment_beats_file() throws IOException {
    Path file = Files.writeString(temporary.resolve("f"), "port=1\nid=1\nbind=host1\n# note\n");
    Map<String, String> merged =
        SettingSources.merge(
            file,
            Map.of("RATIS_SIDECAR_PORT", "2", "RATIS_SIDECAR_ID", "2", "PATH", "/bin"),
            Map.of("port", "3"));
    assertEquals(Map.of("port", "3", "id", "2", "bind", "host1"), merged);
  }

  @Test
  void when_there_is_no_file_then_the_others_count() throws IOException {
    assertEquals(
        Map.of("follower-proxy", "yes"),
        SettingSources.merge(null, Map.of("RATIS_SIDECAR_FOLLOWER_PROXY", "yes"), Map.of()));
  }

  @Test
  void when_a_variable_is_misspelt_then_it_is_named() {
    InvalidSettingException e =
        assertThrows(
            InvalidSettingException.class,
            () -> SettingSources.merge(null, Map.of("RATIS_SIDECAR_PROT", "1"), Map.of()));
    assertTrue(e.getMessage().contains("'RATIS_SIDECAR_PROT'"), e.getMessage());
  }

  @Test
  void when_a_variable_is_for_the_start_script_then_it_is_left_to_it() throws IOException {
    assertEquals(
        Map.of(),
        SettingSources.merge(null, Map.of("RATIS_SIDECAR_JAVA_OPTS", "-Xmx1g"), Map.of()));
  }

  @Test
  void when_the_file_is_missing_then_it_is_named() {
    Path file = temporary.resolve("missing");
    IOException e =
        assertThrows(IOException.class, () -> SettingSources.merge(file, Map.of(), Map.of()));
    assertEquals("there is no file " + file, e.getMessage());
  }

  @Test
  void when_the_file_has_an_unknown_name_then_the_name_is_told() throws IOException {
    Path file = Files.writeString(temporary.resolve("f"), "dir=/d\nprot=1\n");
    Map<String, String> merged = SettingSources.merge(file, Map.of(), Map.of());
    InvalidSettingException e =
        assertThrows(InvalidSettingException.class, () -> SidecarConfig.of(merged));
    assertTrue(e.getMessage().contains("'prot'"), e.getMessage());
  }
}
