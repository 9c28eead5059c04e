/** A cluster on this machine, to try things and to check the program. */
package io.ratissidecar.cli.demo;
