/* SPDX-License-Identifier: Apache-2.0 */
/* One system call in words, as a policy could say it. */
#include "policy/profile.h"

#include "policy/tables.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes into a buffer as far as there is room. */
struct pen {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static void put(struct pen *pen, const char *format,
						      ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(pen->at, pen->room, format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length >= pen->room)
		length = (int)pen->room - 1;
	pen->at += length;
	pen->room -= (size_t)length;
}

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

/* As the kernel looks at it. */
static uint64_t value_of(const struct argument *argument, enum abi abi, uint64_t value)
{
	return argument->wide && abi_is_wide(abi) ? value : (uint32_t)value;
}

/* ---- arguments ------------------------------------------------------------------------- */

static void put_number(struct pen *pen, const struct argument *argument, uint64_t value)
{
	const int64_t number = argument->wide ? (int64_t)value : (int32_t)value;

	if (number >= -4096 && number < 0x10000)
		put(pen, "%" PRId64, number);
	else
		put(pen, "0x%" PRIx64, value);
}

static void put_fd(struct pen *pen, uint64_t value)
{
	if ((int)value == AT_FDCWD)
		put(pen, "AT_FDCWD");
	else
		put(pen, "%d", (int)value);
}

static uint64_t highest_bit(uint64_t value)
{
	return UINT64_C(1) << (63 - __builtin_clzll(value));
}

/* What is left once the highest bits are taken may have a name as a whole (SOCK_RAW). */
static void put_flags(struct pen *pen, const char *family, uint64_t value)
{
	for (const char *between = ""; value; between = "|") {
		const char *name = constant_name(family, value);
		const uint64_t part = name ? value : highest_bit(value);

		if (!name)
			name = constant_name(family, part);
		if (name)
			put(pen, "%s%s", between, name);
		else
			put(pen, "%s0x%" PRIx64, between, part);
		value &= ~part;
	}
}

static void put_word(struct pen *pen, const struct argument *argument, uint64_t value)
{
	const char *family = argument->family;
	const char *name = family ? constant_name(family, value) : NULL;

	if (name)
		put(pen, "%s", name);
	else if (family && strcmp(family, "S") == 0)
		put(pen, "0%" PRIo64, value);
	else if (family && value && argument->kind == ARGUMENT_FLAGS)
		put_flags(pen, family, value);
	else
		put_number(pen, argument, value);
}

static void put_argument(struct pen *pen, const struct argument *argument, uint64_t value)
{
	switch (argument->kind) {
	case ARGUMENT_NUMBER:
		put_number(pen, argument, value);
		break;
	case ARGUMENT_POINTER:
		if (value)
			put(pen, "0x%" PRIx64, value);
		else
			put(pen, "NULL");
		break;
	case ARGUMENT_FD:
		put_fd(pen, value);
		break;
	case ARGUMENT_WORD:
	case ARGUMENT_FLAGS:
		put_word(pen, argument, value);
		break;
	}
}

/* ---- calls ----------------------------------------------------------------------------- */

static void put_arguments(struct pen *pen, const char *name, enum abi abi,
			  const struct seccomp_data *data)
{
	size_t count = 0;
	const struct argument *arguments = call_arguments(name, &count);

	if (!arguments) {
		put(pen, "(...)");
		return;
	}
	put(pen, "(");
	for (size_t i = 0; i < count && i < 6; i++) {
		put(pen, "%s", i ? ", " : "");
		put_argument(pen, &arguments[i],
			     value_of(&arguments[i], abi, data->args[i]));
	}
	put(pen, ")");
}

char *call_text(const struct seccomp_data *data, char *buffer, size_t size)
{
	const enum abi abi = abi_of(data);
	const char *name = abi < ABI_COUNT ? call_name(abi, (uint32_t)data->nr) : NULL;
	struct pen pen = { buffer, size };

	if (abi == ABI_COUNT)
		put(&pen, "call %d of ABI 0x%x", data->nr, data->arch);
	else if (!name)
		put(&pen, "call %d", data->nr);
	else
		put(&pen, "%s", name);
	if (name)
		put_arguments(&pen, name, abi, data);
	if (abi < ABI_COUNT && abi != abi_native())
		put(&pen, " of %s", abi_name(abi));
	return buffer;
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
			return value_of(&arguments[i], abi, data->args[i]);
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
