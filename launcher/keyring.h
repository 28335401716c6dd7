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

/*
 * The same for a container, which gets a keyring that is its own and that it may use. Where
 * the quota is used up, it shares the empty one; 1: not even that could be had, so it keeps the
 * caller's, and err is a warning that says so.
 */
int keyring_own(struct error *err);

#endif
