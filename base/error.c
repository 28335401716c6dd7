/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void
fill(struct error *err, int errnum, enum error_id id, const char *format, va_list args)
{
	err->errnum = errnum;
	err->id = id;
	err->status = 0;
	err->explained = false;
	err->hint[0] = '\0';
	vsnprintf(err->text, sizeof(err->text), format, args);
}

int error_set(struct error *err, enum error_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, 0, id, format, args);
	va_end(args);
	return -1;
}

int error_errno(struct error *err, const char *format, ...)
{
	int errnum = errno;
	va_list args;

	va_start(args, format);
	fill(err, errnum, ERROR_PLAIN, format, args);
	va_end(args);
	return -1;
}

int error_errno_id(struct error *err, enum error_id id, const char *format, ...)
{
	int errnum = errno;
	va_list args;

	va_start(args, format);
	fill(err, errnum, id, format, args);
	va_end(args);
	return -1;
}

int error_within(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->text)];
	size_t used;
	va_list args;

	memcpy(inner, err->text, sizeof(inner));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %.*s",
		 (int)(sizeof(inner) - 1), inner);
	return -1;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -1;
}

const char *error_id_name(enum error_id id)
{
	static const char *const names[] = {
#define ERROR_NAME(id, name) [id] = name,
		ERROR_IDS(ERROR_NAME)
#undef ERROR_NAME
	};

	return names[id];
}

int error_status(const struct error *err)
{
	return err->status ? err->status : 125;
}
