package io.ratissidecar.it;

import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One cluster for several tests of a class that hurt it, since to form one takes longer than most
 * of them. Each test gets it as if it were new, see {@link TestCluster#renew}. One in which a test
 * has failed is used no more. To be registered in a static field.
 */
final class SharedCluster implements AfterEachCallback, AfterAllCallback {
  private final Supplier<TestCluster> form;
  private final boolean compares;
  private TestCluster cluster;
  private TestCluster own;

  SharedCluster(Supplier<TestCluster> form) {
    this(form, false);
  }

  private SharedCluster(Supplier<TestCluster> form, boolean compares) {
    this.form = form;
    this.compares = compares;
  }

  /** One that no test may leave with errors in its logs, or with data that differs. */
  static SharedCluster comparing(Supplier<TestCluster> form) {
    return new SharedCluster(form, true);
  }

  TestCluster get() {
    if (cluster == null) {
      cluster = form.get();
    } else {
      cluster.renew();
    }
    return cluster;
  }

  /** For a test that can't do with the shared one: this one ends with the test. */
  TestCluster own(TestCluster another) {
    own = another;
    return another;
  }

  @Override
  public void afterEach(ExtensionContext test) {
    if (own != null) {
      own.close();
      own = null;
    }
    if (test.getExecutionException().isPresent()) {
      close();
    } else if (compares && cluster != null) {
      check(); // the next test begins with empty logs, and no data
    }
  }

  @Override
  public void afterAll(ExtensionContext tests) {
    close();
  }

  private void check() {
    try {
      ClosingInvariants.checkSameData(cluster);
      cluster.checkLogs();
    } catch (RuntimeException | Error e) {
      cluster.printLogs();
      close();
      throw e;
    }
  }

  private void close() {
    if (cluster != null) {
      cluster.close();
      cluster = null;
    }
  }
}
