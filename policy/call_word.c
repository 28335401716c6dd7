/* SPDX-License-Identifier: Apache-2.0 */
/* What a launcher that tells of calls needs of the tables. */
#include "policy/profile.h"

#include "policy/tables.h"

#include <linux/seccomp.h>
#include <stdio.h>

static enum abi abi_of(const struct seccomp_data *data)
{
	const bool is_x32 =
		data->arch == abi_audit(ABI_X32) && (uint32_t)data->nr & X32_BIT;

	for (enum abi abi = 0; abi < ABI_COUNT; abi++)
		if (abi_audit(abi) == data->arch && is_x32 == (abi == ABI_X32))
			return abi;
	return ABI_COUNT;
}

static bool is_word(const struct argument *argument)
{
	return argument->kind == ARGUMENT_WORD || argument->kind == ARGUMENT_FLAGS;
}

uint64_t call_word(const struct seccomp_data *data)
{
	const enum abi abi = abi_of(data);
	const char *name = abi < ABI_COUNT ? call_name(abi, (uint32_t)data->nr) : NULL;
	const struct argument *arguments;
	size_t count = 0;

	arguments = name ? call_arguments(name, &count) : NULL;
	for (size_t i = 0; arguments && i < count && i < 6; i++)
		if (is_word(&arguments[i]))
			return arguments[i].wide && abi_is_wide(abi)
				       ? data->args[i]
				       : (uint32_t)data->args[i];
	return 0;
}

char *errno_text(int number, char *buffer, size_t size)
{
	const char *name = errno_name(number);

	if (name)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "errno %d", number);
	return buffer;
}
