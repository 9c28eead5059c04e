/**
 * {@code import}: copies a running Redis into a cluster. One thread reads from the source and
 * writes to the cluster; a timer keeps the source's link alive and shows how far it is.
 */
package io.ratissidecar.cli.importing;
