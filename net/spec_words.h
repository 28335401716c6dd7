/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_SPEC_WORDS_H
#define SBX_NET_SPEC_WORDS_H

/* A spec as the words that sbx-net is started with, and back: `--address 10.0.2.100/24 …`. */

#include "net/net.h"

/* NULL-ended, in the arena; words[0] is "sbx-net". */
const char *const *net_spec_to_words(const struct net_spec *spec, struct arena *arena);
int net_spec_from_words(const char *const *words, struct arena *arena,
			struct net_spec *ret_spec, struct error *err);

#endif
