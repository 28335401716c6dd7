/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_KEYRING_H
#define SBX_LAUNCHER_KEYRING_H

struct error;

/*
 * Leaves the caller's session keyring: its keys cannot be reached from inside. All
 * sandboxes of a user share one empty keyring by name, because each keyring counts
 * against kernel.keys.maxkeys (keyrings(7), keyctl(2)). A kernel without keys needs none.
 */
int keyring_leave(struct error *err);

#endif
