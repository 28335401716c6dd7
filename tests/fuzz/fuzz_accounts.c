/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lines of passwd(5), group(5), subuid(5) and nsswitch.conf(5) from a root that is not
 * ours. Whom to look for is what the line itself says, so that most of them match.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static bool is_untouched(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++) {
		if (at[i] != 0x5a)
			return false;
	}
	return true;
}

static bool is_field(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	return length < size && !memchr(text, ':', length);
}

static void check_passwd(const char *line, size_t length, const char *name)
{
	struct account account;
	uint32_t uid;

	memset(&account, 0x5a, sizeof(account));
	if (accounts_parse_passwd(line, length, NULL, NULL, &account) != 0) {
		demand(is_untouched(&account, sizeof(account)), "a failure leaves it");
		return;
	}
	demand(account.uid != UINT32_MAX && account.gid != UINT32_MAX, "ids are ids");
	demand(is_field(account.name, sizeof(account.name)) && account.name[0], "a name");
	demand(is_field(account.home, sizeof(account.home)), "a home");
	demand(is_field(account.shell, sizeof(account.shell)), "a shell");
	demand(strcmp(account.name, name) == 0, "the name is the first field");
	uid = account.uid;
	demand(accounts_parse_passwd(line, length, account.name, &uid, &account) == 0,
	       "it is found by what it says");
	uid++;
	demand(accounts_parse_passwd(line, length, NULL, &uid, &account) == 1,
	       "it is nobody else");
}

static void check_group(const char *line, size_t length, const char *name)
{
	uint32_t gid = 7;

	if (accounts_parse_group(line, length, NULL, NULL, &gid) != 0) {
		demand(gid == 7, "a failure leaves it");
		return;
	}
	demand(gid != UINT32_MAX, "a gid is a gid");
	demand(accounts_parse_group(line, length, name, NULL, &gid) == 0, "it is found");
	accounts_parse_group(line, length, NULL, "ann", &gid);
}

static void check_subid(const char *line, size_t length, const char *name)
{
	struct subid_range range = { 7, 8 };

	if (accounts_parse_subid(line, length, name, 1000, &range) != 0) {
		demand(range.start == 7 && range.count == 8, "a failure leaves it");
		return;
	}
	demand(range.count > 0, "no range is empty");
	demand((uint64_t)range.start + range.count <= UINT32_MAX, "no range overflows");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is, so that reading behind it is seen. */
	char *line = malloc(size ? size : 1), *name = calloc(1, size + 1);

	if (!line || !name)
		abort();
	if (size > 0) {
		memcpy(line, data, size);
		memcpy(name, data, size);
	}
	name[strcspn(name, ":")] = '\0';
	check_passwd(line, size, name);
	check_group(line, size, name);
	check_subid(line, size, name);
	accounts_parse_nsswitch(line, size);
	free(line);
	free(name);
	return 0;
}
