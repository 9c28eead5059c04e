package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerRpc;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.util.Timestamp;
import org.junit.jupiter.api.Test;

/** What the leader takes a heartbeat's answer for. The servers of Ratis around it are made up. */
class HeartbeatMatchTest {
  private static final long TERM = 4;

  private final List<AppendEntriesRequestProto> sent = new ArrayList<>();
  private final List<Long> matches = new ArrayList<>();
  private long leaderStart;
  private long leaderNext;
  private long followerNext;
  private long followerMatch;

  /** Where the follower's log goes on, as it says itself. */
  private long answeredNext;

  private static final class Machine extends BaseStateMachine
      implements NotifyingLogAppender.PayloadRange {
    @Override
    public long firstReadableIndex() {
      return 0;
    }
  }

  /** Answers the methods that are named; others answer nothing. */
  private static <T> T fake(Class<T> type, Map<String, InvocationHandler> methods) {
    InvocationHandler byName =
        (proxy, method, arguments) -> {
          InvocationHandler known = methods.get(method.getName());
          if (known != null) {
            return known.invoke(proxy, method, arguments);
          }
          return method.isDefault()
              ? InvocationHandler.invokeDefault(proxy, method, arguments)
              : nothing(method);
        };
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, byName));
  }

  private static Object nothing(Method method) {
    Class<?> result = method.getReturnType();
    if (result == boolean.class) {
      return false;
    }
    if (result == long.class) {
      return 0L;
    }
    return result == int.class ? (Object) 0 : null;
  }

  private FollowerInfo follower() {
    Map<String, InvocationHandler> methods = new HashMap<>();
    methods.put("getName", (p, m, a) -> "follower");
    methods.put("getNextIndex", (p, m, a) -> followerNext);
    methods.put("getMatchIndex", (p, m, a) -> followerMatch);
    methods.put("getLastRpcTime", (p, m, a) -> Timestamp.currentTime());
    methods.put("getLastRpcSendTime", (p, m, a) -> Timestamp.currentTime());
    methods.put("getLastHeartbeatSendTime", (p, m, a) -> Timestamp.currentTime());
    methods.put(
        "updateMatchIndex",
        (p, m, a) -> {
          followerMatch = (Long) a[0];
          return true;
        });
    for (String sets : List.of("increaseNextIndex", "setNextIndex", "updateNextIndex")) {
      methods.put(
          sets,
          (p, m, a) -> {
            followerNext = (Long) a[0];
            return null;
          });
    }
    return fake(FollowerInfo.class, methods);
  }

  private LeaderState leader() {
    return fake(
        LeaderState.class,
        Map.of(
            "newAppendEntriesRequestProto",
            (p, m, a) -> {
              var request = AppendEntriesRequestProto.newBuilder().setLeaderTerm(TERM);
              if (a[2] != null) {
                request.setPreviousLog(((TermIndex) a[2]).toProto());
              }
              return request.build();
            },
            "onFollowerSuccessAppendEntries",
            (p, m, a) -> matches.add(followerMatch)));
  }

  private RaftServer.Division division() {
    RaftProperties properties = new RaftProperties();
    DivisionInfo info =
        fake(
            DivisionInfo.class,
            Map.of("isAlive", (p, m, a) -> true, "isLeader", (p, m, a) -> sent.isEmpty()));
    RaftLog log =
        fake(
            RaftLog.class,
            Map.of(
                "isOpened", (p, m, a) -> true,
                "getStartIndex", (p, m, a) -> leaderStart,
                "getNextIndex", (p, m, a) -> leaderNext,
                "getTermIndex", (p, m, a) -> termIndex((Long) a[0])));
    RaftServerRpc rpc =
        fake(
            RaftServerRpc.class,
            Map.of(
                "appendEntries",
                (p, m, a) -> {
                  sent.add((AppendEntriesRequestProto) a[0]);
                  return AppendEntriesReplyProto.newBuilder()
                      .setResult(AppendResult.SUCCESS)
                      .setTerm(TERM)
                      .setNextIndex(answeredNext)
                      .build();
                }));
    RaftServer server =
        fake(
            RaftServer.class,
            Map.of("getProperties", (p, m, a) -> properties, "getServerRpc", (p, m, a) -> rpc));
    Machine machine = new Machine();
    return fake(
        RaftServer.Division.class,
        Map.of(
            "getRaftServer", (p, m, a) -> server,
            "getInfo", (p, m, a) -> info,
            "getRaftLog", (p, m, a) -> log,
            "getStateMachine", (p, m, a) -> machine,
            "getThreadGroup", (p, m, a) -> Thread.currentThread().getThreadGroup(),
            "properties",
                (p, m, a) -> {
                  throw new UnsupportedOperationException(m.getName());
                }));
  }

  private TermIndex termIndex(long index) {
    return index >= leaderStart && index < leaderNext ? TermIndex.valueOf(TERM, index) : null;
  }

  /**
   * One heartbeat to a follower that takes it.
   *
   * @return what stood before in it
   */
  private OptionalLong heartbeat() throws Exception {
    NotifyingLogAppender appender = new NotifyingLogAppender(division(), leader(), follower());
    appender.triggerHeartbeat();
    appender.run(); // until this node leads no more, which is after one message
    assertEquals(1, sent.size());
    AppendEntriesRequestProto request = sent.get(0);
    assertEquals(0, request.getEntriesCount());
    return request.hasPreviousLog()
        ? OptionalLong.of(request.getPreviousLog().getIndex())
        : OptionalLong.empty();
  }

  private void given(long start, long next, long followersNext, long followersMatch) {
    leaderStart = start;
    leaderNext = next;
    followerNext = followersNext;
    followerMatch = followersMatch;
    answeredNext = followersNext;
  }

  @Test
  void when_a_heartbeat_is_taken_then_the_follower_has_all_up_to_the_entry_in_it()
      throws Exception {
    given(0, 10, 10, -1);
    assertEquals(OptionalLong.of(9), heartbeat());
    assertEquals(List.of(9L), matches);
    assertEquals(10, followerNext);
  }

  /** Its own entries behind that one may be of another history. */
  @Test
  void when_the_followers_log_is_longer_then_only_what_was_compared_counts() throws Exception {
    given(0, 20, 10, 3);
    answeredNext = 18;
    assertEquals(OptionalLong.of(9), heartbeat());
    assertEquals(List.of(9L), matches);
    assertEquals(10, followerNext);
  }

  @Test
  void when_no_entry_could_be_compared_then_nothing_counts() throws Exception {
    given(30, 40, 5, -1);
    answeredNext = 33;
    assertFalse(heartbeat().isPresent());
    assertEquals(List.of(), matches);
    assertEquals(-1, followerMatch);
    assertEquals(33, followerNext, "where it is to be compared next");
  }

  @Test
  void when_it_is_known_already_then_nobody_is_told_again() throws Exception {
    given(0, 10, 10, 9);
    heartbeat();
    assertEquals(List.of(), matches);
    assertEquals(9, followerMatch);
  }
}
