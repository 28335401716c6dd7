/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_KEY_VALUE_H
#define SBX_BASE_KEY_VALUE_H

/* A name and what it stands for; both texts are somebody else's. */
struct key_value {
	const char *key, *value;
};

#endif
