/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 256 };

/* ---- texts ---- */

struct writer {
	char *to;
	size_t size, used;
};

static void put_words(struct writer *writer, const char *words, size_t length)
{
	size_t room = writer->size - writer->used - 1;

	if (length > room)
		length = room;
	memcpy(writer->to + writer->used, words, length);
	writer->used += length;
	writer->to[writer->used] = '\0';
}

/* The text of an argument is somebody else's: it is made printable here, and only here. */
static void put_text(struct writer *writer, const char *text, size_t max)
{
	char part[TEXT_MAX];
	size_t length = strnlen(text, max < sizeof(part) - 1 ? max : sizeof(part) - 1);

	memcpy(part, text, length);
	part[length] = '\0';
	text_printable(writer->to + writer->used, writer->size - writer->used, part);
	writer->used += strlen(writer->to + writer->used);
}

static void put_unsigned(struct writer *writer, unsigned long long value, bool negative)
{
	char digits[24];
	int length =
		snprintf(digits, sizeof(digits), "%s%llu", negative ? "-" : "", value);

	put_words(writer, digits, (size_t)length);
}

static void put_signed(struct writer *writer, long long value)
{
	put_unsigned(writer,
		     value < 0 ? 0ULL - (unsigned long long)value
			       : (unsigned long long)value,
		     value < 0);
}

/* What stands between `%` and the letter. */
struct conversion {
	size_t precision; /* SIZE_MAX: none */
	enum { LENGTH_INT, LENGTH_LONG, LENGTH_LONG_LONG } length;
};

static const char *read_precision(const char *format, size_t *ret_precision,
				  va_list *args)
{
	size_t precision = 0;
	int given;

	*ret_precision = SIZE_MAX;
	if (*format != '.')
		return format;
	if (*++format == '*') {
		given = va_arg(*args, int);
		*ret_precision = given < 0 ? SIZE_MAX : (size_t)given;
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		precision = precision * 10 + (size_t)(*format - '0');
	*ret_precision = precision;
	return format;
}

static_assert(sizeof(long) == sizeof(size_t), "z and l are of one size");

static const char *read_conversion(const char *format, struct conversion *ret_conversion,
				   va_list *args)
{
	format = read_precision(format, &ret_conversion->precision, args);
	ret_conversion->length = LENGTH_INT;
	if (*format == 'z') {
		ret_conversion->length = LENGTH_LONG;
		format++;
	}
	for (; *format == 'l'; format++)
		ret_conversion->length = ret_conversion->length == LENGTH_INT
						 ? LENGTH_LONG
						 : LENGTH_LONG_LONG;
	return format;
}

static long long take_signed(const struct conversion *conversion, va_list *args)
{
	if (conversion->length == LENGTH_LONG)
		return va_arg(*args, long);
	if (conversion->length == LENGTH_LONG_LONG)
		return va_arg(*args, long long);
	return va_arg(*args, int);
}

static unsigned long long take_unsigned(const struct conversion *conversion,
					va_list *args)
{
	if (conversion->length == LENGTH_LONG)
		return va_arg(*args, unsigned long);
	if (conversion->length == LENGTH_LONG_LONG)
		return va_arg(*args, unsigned long long);
	return va_arg(*args, unsigned int);
}

/* Returns what follows the conversion. */
static const char *put_argument(struct writer *writer, const char *format, va_list *args)
{
	struct conversion conversion;
	const char *letter = read_conversion(format, &conversion, args);
	char character[2] = "";

	switch (*letter) {
	case '%':
		put_words(writer, "%", 1);
		break;
	case 's':
		put_text(writer, va_arg(*args, const char *), conversion.precision);
		break;
	case 'c':
		character[0] = (char)va_arg(*args, int);
		put_text(writer, character, 1);
		break;
	case 'd':
		put_signed(writer, take_signed(&conversion, args));
		break;
	case 'u':
		put_unsigned(writer, take_unsigned(&conversion, args), false);
		break;
	default:
		assert(0 && "messages have no such conversion");
		return letter;
	}
	return letter + 1;
}

/*
 * printf(3) for messages, with the few conversions that they need. The words of the format
 * are ours and stay as they are; the text of an argument is made printable.
 */
__attribute__((format(printf, 3, 0))) static void
write_text(char *to, size_t size, const char *format, va_list args)
{
	struct writer writer = { to, size, 0 };
	va_list rest;

	to[0] = '\0';
	va_copy(rest, args);
	while (*format) {
		size_t length = strcspn(format, "%");

		put_words(&writer, format, length);
		format += length;
		if (*format == '%')
			format = put_argument(&writer, format + 1, &rest);
	}
	va_end(rest);
}

/* ---- errors ---- */

__attribute__((format(printf, 4, 0))) static void
fill(struct error *err, int errnum, enum error_id id, const char *format, va_list args)
{
	err->errnum = errnum;
	err->id = id;
	err->status = 0;
	err->explained = false;
	err->entry = 0;
	err->hint[0] = '\0';
	write_text(err->text, sizeof(err->text), format, args);
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
	write_text(err->text, sizeof(err->text), format, args);
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
	write_text(err->hint, sizeof(err->hint), format, args);
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
