package io.ratissidecar.sidecar.redis;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A server that is told what to say: what Redis says to a node's questions, unless a test wants it
 * otherwise. It keeps nothing.
 */
final class FakeRedis implements Closeable {
  private static final long PATIENCE_SECONDS = 10;

  /** What it says to a command; empty: nothing. */
  interface Answer {
    Optional<String> to(Connection connection, List<String> command);
  }

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Map<String, String> info = new ConcurrentHashMap<>();
  private final Map<String, String> settings = new ConcurrentHashMap<>();
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private volatile String user = "user default on nopass ~* &* +@all";
  private final List<Connection> connections = new CopyOnWriteArrayList<>();
  private final BlockingQueue<List<String>> received = new LinkedBlockingQueue<>();

  FakeRedis() throws IOException {
    info.put("redis_version", "7.0.15");
    info.put("redis_mode", "standalone");
    info.put("role", "master");
    settings.put("databases", "16");
    start("accept", this::acceptAll);
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, "fake-redis-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  RespEndpoint endpoint() {
    return RespEndpoint.tcp("127.0.0.1", server.getLocalPort());
  }

  /** Answers a command, named in capital letters, in another way. */
  void on(String command, Answer answer) {
    answers.put(command, answer);
  }

  /** A field of every section of {@code INFO}; null takes it away. */
  void info(String field, String value) {
    put(info, field, value);
  }

  /** What {@code CONFIG GET} says; null: nothing, as a Redis that does not have the setting. */
  void setting(String name, String value) {
    put(settings, name, value);
  }

  /** What {@code ACL LIST} says. */
  void user(String rules) {
    user = rules;
  }

  private static void put(Map<String, String> map, String name, String value) {
    if (value == null) {
      map.remove(name);
    } else {
      map.put(name, value);
    }
  }

  /** Waits for the next command that nobody has waited for yet, on whatever connection. */
  List<String> next() throws InterruptedException {
    List<String> next = received.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no more commands come");
    }
    return next;
  }

  /** Passes over commands up to one that begins with these words. */
  void awaitCommand(String... beginning) throws InterruptedException {
    List<String> wanted = List.of(beginning);
    List<String> next;
    do {
      next = next();
    } while (next.size() < wanted.size() || !next.subList(0, wanted.size()).equals(wanted));
  }

  private void acceptAll() {
    try {
      while (true) {
        Connection connection = new Connection(server.accept());
        connections.add(connection);
        start("connection", connection::serve);
      }
    } catch (IOException e) {
      // Closed: the test is over.
    }
  }

  private Optional<String> answer(Connection connection, List<String> command) {
    Answer answer = answers.get(command.get(0));
    if (answer != null) {
      return answer.to(connection, command);
    }
    return Optional.of(
        switch (command.get(0)) {
          case "INFO" -> bulk(command.contains("keyspace") ? "" : text(info));
          case "CONFIG" -> setting(command.get(2));
          case "ACL" -> acl(command.get(1));
          case "GET" -> "$-1\r\n";
          case "MGET" -> "*2\r\n$-1\r\n$-1\r\n";
          case "HVALS" -> "*0\r\n";
          case "HELLO" -> "-ERR unknown command 'HELLO'\r\n";
          case "PING" -> "+PONG\r\n";
          default -> "+OK\r\n";
        });
  }

  private static String text(Map<String, String> fields) {
    StringBuilder text = new StringBuilder();
    fields.forEach((name, value) -> text.append(name).append(':').append(value).append("\r\n"));
    return text.toString();
  }

  private String setting(String name) {
    String value = settings.get(name);
    return value == null ? "*0\r\n" : "*2\r\n" + bulk(name) + bulk(value);
  }

  private String acl(String question) {
    return question.equals("LIST") ? "*1\r\n" + bulk(user) : bulk("default");
  }

  static String bulk(String text) {
    return "$" + text.length() + "\r\n" + text + "\r\n";
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Connection connection : connections) {
      connection.close();
    }
  }

  /** One client's connection. */
  final class Connection implements Closeable {
    private final Socket socket;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Semaphore unanswered = new Semaphore(0);
    private volatile boolean held;

    Connection(Socket socket) {
      this.socket = socket;
    }

    private void serve() {
      try {
        DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        while (true) {
          List<String> command = read(in);
          Optional<String> reply = held ? Optional.empty() : answer(this, command);
          received.add(command);
          if (reply.isPresent()) {
            say(reply.get());
          } else {
            unanswered.release();
          }
        }
      } catch (IOException e) {
        ended.countDown();
      }
    }

    private List<String> read(DataInputStream in) throws IOException {
      int words = number(in, '*');
      List<String> command = new ArrayList<>();
      for (int i = 0; i < words; i++) {
        byte[] word = new byte[number(in, '$')];
        in.readFully(word);
        in.readShort();
        command.add(new String(word, ISO_8859_1));
      }
      return command;
    }

    private int number(DataInputStream in, char type) throws IOException {
      StringBuilder line = new StringBuilder();
      for (char c = (char) in.readByte(); c != '\n'; c = (char) in.readByte()) {
        line.append(c);
      }
      if (line.charAt(0) != type) {
        throw new IOException("expected " + type + ": " + line);
      }
      return Integer.parseInt(line.substring(1).strip());
    }

    /** From now on it answers nothing by itself. */
    void hold() {
      held = true;
    }

    /** Waits for so many commands that it has not answered. */
    void awaitUnanswered(int commands) throws InterruptedException {
      if (!unanswered.tryAcquire(commands, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("only " + unanswered.availablePermits() + " commands came");
      }
    }

    /** Sends these bytes in one piece. */
    void say(String replies) throws IOException {
      socket.getOutputStream().write(replies.getBytes(ISO_8859_1));
    }

    /** Waits until the client has closed it. */
    void awaitEnd() throws InterruptedException {
      if (!ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("the client has not closed the connection");
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
