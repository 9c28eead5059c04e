/** Commands about a running cluster and its nodes. */
package io.ratissidecar.cli.cluster;
