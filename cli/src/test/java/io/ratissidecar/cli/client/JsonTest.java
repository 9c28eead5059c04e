package io.ratissidecar.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What scripts get. */
class JsonTest {
  @Test
  void when_values_are_of_every_kind_then_the_line_is_exact() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("s", "a\"b\\c");
    map.put("n", 42L);
    map.put("b", true);
    map.put("none", Optional.empty());
    map.put("some", Optional.of(7));
    map.put("list", Arrays.asList(1, null, List.of(), Map.of()));
    assertEquals(
        "{\"s\":\"a\\\"b\\\\c\",\"n\":42,\"b\":true,\"none\":null,\"some\":7,\"list\":[1,null,[],{}]}",
        Json.of(map));
  }

  @Test
  void when_a_string_holds_anything_then_a_reader_gets_it_back() {
    StringBuilder all = new StringBuilder();
    for (char c = 0; c < 0x300; c++) {
      all.append(c);
    }
    all.append("\ud83d\ude00").append('\ud800'); // a pair, and half of one
    String json = Json.of(all.toString());
    assertEquals(all.toString(), JsonReader.read(json));
    assertEquals(-1, json.indexOf('\ud800')); // can't be encoded, so it must be escaped
  }
}
