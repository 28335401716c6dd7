/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/explain.h"

#include <linux/seccomp.h>

enum { LINES_A_SECOND = 10, LINES_IN_ALL = 100 };

static bool is_kind(const struct denial *denial, const struct seccomp_data *data,
		    const struct explained *explained)
{
	return denial->number == data->nr && denial->arch == data->arch &&
	       denial->explained.word == explained->word &&
	       denial->explained.value == explained->value;
}

struct denial *denials_note(struct denials *denials, const struct seccomp_data *data,
			    const struct explained *explained, bool *ret_is_new)
{
	struct denial *denial;

	denials->count++;
	*ret_is_new = false;
	for (size_t i = 0; i < denials->kind_count; i++) {
		denial = &denials->kinds[i];
		if (!is_kind(denial, data, explained))
			continue;
		denial->count++;
		return denial;
	}
	if (denials->kind_count == DENIAL_KINDS_MAX) {
		denials->beyond++;
		return NULL;
	}
	*ret_is_new = true;
	denial = &denials->kinds[denials->kind_count++];
	*denial = (struct denial){
		.arch = data->arch,
		.number = data->nr,
		.explained = *explained,
		.count = 1,
	};
	return denial;
}

bool denials_may_show(struct denials *denials, uint64_t second)
{
	if (denials->shown >= LINES_IN_ALL)
		return false;
	if (second != denials->second) {
		denials->second = second;
		denials->in_second = 0;
	}
	if (denials->in_second >= LINES_A_SECOND)
		return false;
	denials->in_second++;
	denials->shown++;
	return true;
}
