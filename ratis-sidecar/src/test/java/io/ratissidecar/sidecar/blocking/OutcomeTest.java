package io.ratissidecar.sidecar.blocking;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.statemachine.command.Plan;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OutcomeTest {
  private static final Waiter.Client NOBODY =
      new Waiter.Client() {
        @Override
        public void reply(Consumer<ByteBuf> writer) {}

        @Override
        public void reply(ByteBuf frame) {}

        @Override
        public void failed(Failure failure) {}
      };

  @ParameterizedTest
  @CsvSource({
    "TO_TAKE,  $-1,            NOTHING,    NOTHING",
    "TO_TAKE,  *-1,            NOTHING,    NOTHING",
    "TO_READ,  _,              NOTHING,    NOTHING",
    "TO_TAKE,  $1,             ANSWER,     ANSWER",
    "TO_TAKE,  -WRONGTYPE no,  ANSWER,     OTHER_TYPE",
    "TO_TAKE,  -NOGROUP no,    ANSWER,     ANSWER",
    "TO_TAKE,  -W,             ANSWER,     ANSWER",
    "TO_READ,  -WRONGTYPE no,  ANSWER,     OTHER_TYPE",
    "IN_GROUP, -WRONGTYPE no,  ANSWER,     GROUP_GONE",
    "IN_GROUP, -NOGROUP no,    ANSWER,     GROUP_GONE",
    "IN_GROUP, -BUSY no,       ANSWER,     ANSWER",
    "IN_GROUP, *1,             ANSWER,     ANSWER",
  })
  void isOf(Plan.Waiting kind, String reply, Outcome toNewcomer, Outcome toWaiting) {
    Waiter waiter = new Waiter(NOBODY, 0, 2, new Plan.Blocking(null, kind, "list", List.of(), 0));
    ByteBuf frame = Unpooled.copiedBuffer(reply + "\r\n", US_ASCII);
    assertEquals(toNewcomer, Outcome.of(frame, waiter, true));
    assertEquals(toWaiting, Outcome.of(frame, waiter, false));
  }
}
