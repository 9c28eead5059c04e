/** How much memory data may take. */
package io.ratissidecar.sidecar.quota;
