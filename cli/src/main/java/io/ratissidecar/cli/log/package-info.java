/** Looks into the payload log of a node that does not run. */
package io.ratissidecar.cli.log;
