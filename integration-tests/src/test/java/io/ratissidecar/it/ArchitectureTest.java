package io.ratissidecar.it;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The arrows between modules, and who alone may use which library. */
class ArchitectureTest {
  private static final String ROOT = "io.ratissidecar";
  private static final String STATE_MACHINE = ROOT + ".statemachine..";
  private static JavaClasses classes;

  @BeforeAll
  static void read() {
    classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("/io/ratissidecar/it/"))
            .importPackages(ROOT);
  }

  @Test
  void modules_depend_in_the_direction_of_the_arrows() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage(ROOT + "..")
        .layer("cli")
        .definedBy(ROOT + ".cli..")
        .layer("ratis-sidecar")
        .definedBy(ROOT + ".sidecar..")
        .layer("snapshot")
        .definedBy(ROOT + ".snapshot..")
        .layer("log-store")
        .definedBy(ROOT + ".logstore..")
        .layer("state-machine")
        .definedBy(STATE_MACHINE)
        .layer("jepsen")
        .definedBy(ROOT + ".jepsen..")
        .whereLayer("cli")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("jepsen")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("ratis-sidecar")
        .mayOnlyBeAccessedByLayers("cli", "jepsen")
        .whereLayer("snapshot")
        .mayOnlyBeAccessedByLayers("ratis-sidecar", "cli", "jepsen")
        .whereLayer("log-store")
        .mayOnlyBeAccessedByLayers("ratis-sidecar", "cli", "jepsen")
        .check(classes);
  }

  private static void only(String owner, String library) {
    noClasses()
        .that()
        .resideOutsideOfPackage(owner)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .check(classes);
  }

  @Test
  void only_log_store_uses_rocksdb() {
    only(ROOT + ".logstore..", "org.rocksdb..");
  }

  @Test
  void only_raft_uses_ratis() {
    only(ROOT + ".sidecar.raft..", "org.apache.ratis..");
  }

  @Test
  void only_redis_uses_lettuce() {
    only(ROOT + ".sidecar.redis..", "io.lettuce..");
  }

  @Test
  void only_cli_uses_picocli() {
    only(ROOT + ".cli..", "picocli..");
  }

  @Test
  void only_the_entry_header_uses_protobuf() {
    only(ROOT + ".statemachine.entry..", "com.google.protobuf..");
  }

  @Test
  void state_machine_uses_nothing_of_netty_but_buffers() {
    noClasses()
        .that()
        .resideInAPackage(STATE_MACHINE)
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.netty..").and(resideOutsideOfPackage("io.netty.buffer..")))
        .check(classes);
  }

  @Test
  void state_machine_has_no_clock_no_sleep_and_no_randomness() {
    noClasses()
        .that()
        .resideInAPackage(STATE_MACHINE)
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callConstructor(Random.class)
        .orShould()
        .callConstructor(Random.class, long.class)
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.util.concurrent.ThreadLocalRandom")
        .check(classes);
  }
}
